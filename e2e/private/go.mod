module private

go 1.24

require belay.example/belay v0.0.0

replace belay.example/belay => ../../
