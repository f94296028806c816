{{- define "database.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "database.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "database.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* The environment variable called .variable with the password, if there is a secret that holds it. */}}
{{- define "database.password" -}}
{{- with .context.Values.auth.existingSecret -}}
- name: {{ $.variable }}
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: password
{{- end -}}
{{- end }}
