{{ define "sub.boom" }}
{{ required "boom needs a target" .Values.target }}{{ .Values.deep.er.est }}{{ end }}
