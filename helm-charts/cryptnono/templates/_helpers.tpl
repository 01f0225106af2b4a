{{/* Names and labels. Call with the chart's root context. */}}

{{- define "cryptnono.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "cryptnono.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cryptnono.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "cryptnono.selectorLabels" . }}
{{- end }}

{{/* Immutable in a DaemonSet: a change here breaks every upgrade. */}}
{{- define "cryptnono.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cryptnono.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cryptnono.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag }}
{{- if hasPrefix "sha256:" $tag }}
{{- printf "%s@%s" .Values.image.repository $tag }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository $tag }}
{{- end }}
{{- end }}

{{/* Non-empty when there is a container of any detector. */}}
{{- define "cryptnono.guards" -}}
{{- with .Values.detectors }}
{{- if or .execwhacker.enabled .monero.enabled .tcpflowkiller.enabled }}yes{{ end }}
{{- end }}
{{- end }}

{{/* Non-empty when the agent's kernel part is pinned on the nodes. */}}
{{- define "cryptnono.pinned" -}}
{{- if and (include "cryptnono.guards" .) .Values.pins.enabled }}yes{{ end }}
{{- end }}
