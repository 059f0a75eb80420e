module belay.example/belay/e2e

go 1.24

require belay.example/belay v0.0.0

replace belay.example/belay => ../
