module belay.example/belay/prof/test/truth

go 1.21
