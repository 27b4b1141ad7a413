module mfconf.dev/kind-config/pause

go 1.24.0
