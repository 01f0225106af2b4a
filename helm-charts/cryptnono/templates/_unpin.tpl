{{/*
Taking the kernel part off the nodes. Once pinned it decides without the agent, so helm's deletion of the DaemonSet
does not end it: a hook runs "cryptnono unpin" on each node, by a DaemonSet, and a Job waits until that ran everywhere.
The Job deletes the DaemonSet, as helm would do so even when the Job has failed: then it must stay for the other nodes.
It runs after an uninstall, and after an upgrade to values without pins or without the detector.
*/}}
{{- define "cryptnono.unpin.name" -}}
{{- printf "%s-unpin" (include "cryptnono.fullname" . | trunc 57 | trimSuffix "-") }}
{{- end }}

{{/* Its own name label: the agent's pods are looked for by app.kubernetes.io/name. */}}
{{- define "cryptnono.unpin.selectorLabels" -}}
app.kubernetes.io/name: {{ printf "%s-unpin" (include "cryptnono.name" .) }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "cryptnono.unpin.labels" -}}
{{ include "cryptnono.unpin.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Call with (list $ weight [keep]). Helm makes hooks in the order of their weights and waits for Jobs alone. */}}
{{- define "cryptnono.unpin.annotations" -}}
{{- $root := index . 0 -}}
helm.sh/hook: post-delete{{ if not (include "cryptnono.pinned" $root) }},post-upgrade{{ end }}
helm.sh/hook-weight: {{ index . 1 | quote }}
helm.sh/hook-delete-policy: before-hook-creation{{ if lt (len .) 3 }},hook-succeeded{{ end }}
{{- end }}
