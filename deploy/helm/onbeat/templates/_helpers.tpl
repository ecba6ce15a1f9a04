{{/* With the name of a part behind it at most 63 letters. */}}
{{- define "onbeat.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 33 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 33 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What picks the pods of one part: (dict "root" $ "part" "api") */}}
{{- define "onbeat.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "onbeat.labels" -}}
{{ include "onbeat.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "onbeat.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Nobody in particular, who may write to /tmp and, with a volume, /data. */}}
{{- define "onbeat.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "onbeat.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where the database is, and which environment in it. */}}
{{- define "onbeat.databaseEnv" -}}
- name: ONBEAT_DB
{{- if eq .root.Values.shape "one" }}
  value: sqlite:////data/onbeat.db
{{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ .root.Values.database.existingSecret | default .made }}
      key: {{ ternary .root.Values.database.key "url" (ne .root.Values.database.existingSecret "") }}
{{- end }}
{{- with .root.Values.environment }}
- name: ONBEAT_ENVIRONMENT
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{/* What all processes that go on are told; each listens on one of the two ports. */}}
{{- define "onbeat.env" -}}
env:
{{ include "onbeat.databaseEnv" (dict "root" .root "made" (include "onbeat.name" .root)) }}
- name: ONBEAT_INSTANCE_ID
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- with .region }}
- name: ONBEAT_REGION
  value: {{ . | quote }}
{{- end }}
envFrom:
- configMapRef: {name: {{ include "onbeat.name" .root }}}
{{- with .root.Values.existingSecret }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{/* Alive without the database, ready with it: the same paths on the port of the API, and on that
     of probes where a process serves none. */}}
{{- define "onbeat.probes" -}}
{{- $port := ternary "http" "probes" .http }}
ports:
- {name: {{ $port }}, containerPort: {{ ternary .root.Values.api.port .root.Values.probes.port .http }}}
startupProbe:
  httpGet: {path: /livez, port: {{ $port }}}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /livez, port: {{ $port }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: {{ $port }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- if .http }}
lifecycle:
  # Whoever balances hears that it ends before it does.
  preStop: {sleep: {seconds: 5}}
{{- end }}
{{- end }}

{{/* The pod of a part: (dict "root" $ "part" … "args" … "resources" … "region" … "http" bool) */}}
{{- define "onbeat.pod" -}}
metadata:
  labels: {{- include "onbeat.labels" . | nindent 4 }}
  annotations:
    checksum/settings: {{ include "onbeat.settings" .root | sha256sum }}
    {{- with .root.Values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  automountServiceAccountToken: false
  # Variables of a Service called onbeat look like settings, ONBEAT_PORT among them.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add .root.Values.graceSeconds 15 (ternary 5 0 .http) }}
  securityContext: {{- include "onbeat.podSecurity" .root | nindent 4 }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if eq .root.Values.shape "one" }}
  initContainers:
  # Where the volume is of an older Onbeat.
  - name: migrate
    image: {{ include "onbeat.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: [db, migrate]
    env: {{- include "onbeat.databaseEnv" (dict "root" .root "made" "") | nindent 4 }}
    securityContext: {{- include "onbeat.containerSecurity" .root | nindent 6 }}
    resources: {{- toYaml .resources | nindent 6 }}
    volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: data, mountPath: /data}
  {{- end }}
  containers:
  - name: onbeat
    image: {{ include "onbeat.image" .root }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{- toYaml .args | nindent 4 }}
    {{- include "onbeat.env" . | nindent 4 }}
    {{- include "onbeat.probes" . | nindent 4 }}
    securityContext: {{- include "onbeat.containerSecurity" .root | nindent 6 }}
    resources: {{- toYaml .resources | nindent 6 }}
    volumeMounts:
    - {name: tmp, mountPath: /tmp}
    {{- if eq .root.Values.shape "one" }}
    - {name: data, mountPath: /data}
    {{- end }}
  volumes:
  - {name: tmp, emptyDir: {}}
  topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "onbeat.selector" . | nindent 8 }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* As many pods of a part as are wanted; no `replicas` where KEDA says how many. */}}
{{- define "onbeat.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "onbeat.name" .root }}-{{ .part }}
  labels: {{- include "onbeat.labels" . | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .replicas }}
  {{- end }}
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels: {{- include "onbeat.selector" . | nindent 6 }}
  template: {{- include "onbeat.pod" . | nindent 4 }}
{{- if .root.Values.podDisruptionBudget.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "onbeat.name" .root }}-{{ .part }}
  labels: {{- include "onbeat.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "onbeat.selector" . | nindent 6 }}
{{- end }}
{{- end }}

{{/* Settings that are no secrets. */}}
{{- define "onbeat.settings" -}}
ONBEAT_APP: {{ .Values.app | quote }}
ONBEAT_HOST: 0.0.0.0
ONBEAT_PORT: {{ .Values.api.port | quote }}
ONBEAT_PROBE_PORT: {{ .Values.probes.port | quote }}
ONBEAT_SHUTDOWN_GRACE: {{ .Values.graceSeconds }}s
ONBEAT_LOG_FORMAT: json
{{- range $name, $value := .Values.settings }}
{{ $name }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}

{{/* How many slots these queues want, all together: (dict "environment" … "queues" …) */}}
{{- define "onbeat.wantedSlots" -}}
{{- $names := list }}
{{- range .queues }}{{ $names = append $names (printf "'%s'" (replace "'" "''" .)) }}{{ end }}
{{- $schema := "" }}
{{- if .environment }}{{ $schema = printf "\"onbeat_%s\"." .environment }}{{ end -}}
SELECT CAST(coalesce(sum(wanted_slots), 0) AS double precision) FROM {{ $schema }}onbeat_queue_load WHERE queue IN ({{ join ", " $names }})
{{- end }}
