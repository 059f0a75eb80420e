module belay.example/belay/prof/test/withplugin

go 1.21
