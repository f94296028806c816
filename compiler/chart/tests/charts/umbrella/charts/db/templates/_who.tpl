{{ define "who" }}db{{ end }}
