{{/* The console's names. Call with the chart's root context. */}}

{{- define "cryptnono.console.name" -}}
{{- printf "%s-console" (include "cryptnono.fullname" . | trunc 55 | trimSuffix "-") }}
{{- end }}

{{- define "cryptnono.console.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "cryptnono.console.selectorLabels" . }}
{{- end }}

{{/* Not the agents' own: the DaemonSet, its PodMonitor and the console itself select by those. */}}
{{- define "cryptnono.console.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cryptnono.name" . }}-console
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Non-empty when others than kubectl port-forward may reach it. */}}
{{- define "cryptnono.console.isServed" -}}
{{- if and .Values.console.enabled (or .Values.console.tokenSecret .Values.console.trustedProxies) }}yes{{ end }}
{{- end }}

{{/* The lists that it explains by. */}}
{{- define "cryptnono.console.configs" -}}
{{- if and .Values.console.listsInExplain .Values.detectors.execwhacker.enabled }}
{{- include "cryptnono.execwhacker.configs" .Values.detectors.execwhacker }}
{{- else }}[]{{ end }}
{{- end }}
