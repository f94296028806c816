{{- define "common.label" -}}
{{ .root.Release.Name }}/{{ .name }}@{{ .root.Chart.Version }}
{{- end -}}
