{{ define "who" }}umbrella{{ end }}
