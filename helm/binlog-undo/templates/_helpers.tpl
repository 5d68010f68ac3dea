{{- define "binlog-undo.name" -}}
{{- printf "%s-%s" .root.Release.Name .alias | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "binlog-undo.instance" -}}
app.kubernetes.io/name: binlog-undo
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "binlog-undo.common" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* What is one source's: its Deployment, Service and what guards them. */ -}}
{{- define "binlog-undo.selector" -}}
{{ include "binlog-undo.instance" .root }}
binlog-undo/source: {{ .alias }}
{{- end -}}
{{- define "binlog-undo.labels" -}}
{{ include "binlog-undo.selector" . }}
{{ include "binlog-undo.common" .root }}
{{- end -}}

{{- /* What is there once for all sources: serve, migrate, monitoring. */ -}}
{{- define "binlog-undo.part" -}}
{{ include "binlog-undo.instance" .root }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}
{{- define "binlog-undo.partLabels" -}}
{{ include "binlog-undo.part" . }}
{{ include "binlog-undo.common" .root }}
{{- end -}}

{{- define "binlog-undo.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* Text of a setting: lists with commas, numbers with all their digits (YAML's are floats). */ -}}
{{- define "binlog-undo.value" -}}
{{- if kindIs "slice" . }}{{ join "," . }}{{ else if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end -}}
{{- end -}}

{{- define "binlog-undo.settings" -}}
{{- range $name, $value := . }}
- { name: BINLOG_UNDO_{{ $name }}, value: {{ include "binlog-undo.value" $value | quote }} }
{{- end }}
{{- end -}}

{{- /* All that every command needs: the ledger and where it is. */ -}}
{{- define "binlog-undo.backupEnv" -}}
- { name: BINLOG_UNDO_BACKUP_HOST, value: {{ .Values.backup.host | quote }} }
- { name: BINLOG_UNDO_BACKUP_PORT, value: {{ .Values.backup.port | quote }} }
- { name: BINLOG_UNDO_BACKUP_USER, value: {{ .Values.backup.user | quote }} }
- { name: BINLOG_UNDO_BACKUP_PASSWORD_FILE, value: /secrets/backup/password }
- { name: BINLOG_UNDO_LEDGER, value: {{ .Values.ledger | quote }} }
{{- end -}}

{{- define "binlog-undo.adminEnv" -}}
- { name: BINLOG_UNDO_ADMIN_HOST, value: 0.0.0.0 }
- { name: BINLOG_UNDO_ADMIN_PORT, value: {{ .Values.admin.port | quote }} }
- { name: BINLOG_UNDO_ADMIN_TOKEN_FILE, value: /secrets/admin/token }
# Inside the cluster, behind the NetworkPolicy; of no effect where ADMIN_TLS_CERT and ADMIN_TLS_KEY are set.
- { name: BINLOG_UNDO_ADMIN_ALLOW_PLAIN, value: "true" }
{{- end -}}

{{- /* The settings for all commands that are not only the daemon's: how the backup server is reached. */ -}}
{{- define "binlog-undo.sharedSettings" -}}
{{- $shared := dict }}
{{- range $name, $value := .Values.settings }}
{{- if or (hasPrefix "BACKUP_TLS_" $name) (eq $name "LOG_LEVEL") }}{{ $_ := set $shared $name $value }}{{ end }}
{{- end }}
{{- include "binlog-undo.settings" $shared }}
{{- end -}}

{{- define "binlog-undo.podSettings" -}}
# Services named binlog-undo would put variables with our prefix into every pod.
enableServiceLinks: false
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "binlog-undo.containerSettings" -}}
image: {{ include "binlog-undo.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end -}}

{{- define "binlog-undo.probes" -}}
livenessProbe:
  httpGet: { path: /livez, port: http }
  periodSeconds: 15
  failureThreshold: 4
# A standby and a daemon whose source is away are ready: they answer for what is in the log.
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
{{- end -}}

{{- /* Names that Kubernetes would not take twice. */ -}}
{{- define "binlog-undo.validate" -}}
{{- $root := . }}
{{- $names := dict }}
{{- range .Values.sources }}
{{- $name := include "binlog-undo.name" (dict "root" $root "alias" .alias) }}
{{- if hasKey $names $name }}{{ fail (printf "The sources %q and %q would both be named %s: give each source an alias of its own, and the release a shorter name if they are long." (get $names $name) .alias $name) }}{{ end }}
{{- $_ := set $names $name .alias }}
{{- end }}
{{- with .Values.kafka }}
{{- if and .sasl.existingSecret (eq .sasl.mechanism "none") }}{{ fail "kafka.sasl.existingSecret is set, but kafka.sasl.mechanism is none: choose plain, scram-sha-256 or scram-sha-512." }}{{ end }}
{{- if and (ne .sasl.mechanism "none") (not (and .sasl.user .sasl.existingSecret)) }}{{ fail "kafka.sasl.mechanism asks for an account: set kafka.sasl.user, and kafka.sasl.existingSecret to a Secret with the key password." }}{{ end }}
{{- if and .tls.caSecret (not .tls.enabled) }}{{ fail "kafka.tls.caSecret is set, but kafka.tls.enabled is false: set it to true." }}{{ end }}
{{- if and .mask.columns (not .mask.saltSecret) }}{{ fail "kafka.mask.columns needs a secret that keys the hashes: set kafka.mask.saltSecret to a Secret with the key salt." }}{{ end }}
{{- end }}
{{- end -}}
