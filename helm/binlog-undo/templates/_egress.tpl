{{- define "binlog-undo.egress" -}}
- ports:
    - { port: 53, protocol: UDP }
    - { port: 53, protocol: TCP }
    {{- range .ports | uniq | sortAlpha }}
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
{{- with .root.Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}
