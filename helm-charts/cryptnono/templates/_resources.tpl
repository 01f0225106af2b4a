{{/*
Resources of a detector's container, with limits raised that it could not live with. Call with the detector's values.
A start takes 0.4 to 0.7 s of CPU (6,100 strings; amd64, idle and fourfold loaded, 2026-11-25): 4.2 to 6.6 s at 100m, 45 to 71 s at
5m, which the kubelet makes 10m. It takes 67 MiB at most, 80 MiB with 30,000 strings.
*/}}
{{- define "cryptnono.resources" -}}
{{- $resources := deepCopy (default dict .resources) }}
{{- range include "cryptnono.tooLittle" . | fromJsonArray }}
{{- $_ := set $resources.limits .resource .needed }}
{{- end }}
{{- toYaml $resources }}
{{- end }}

{{/* The limits that are raised, as a JSON list of {resource, given, needed}. */}}
{{- define "cryptnono.tooLittle" -}}
{{- $raised := list }}
{{- with .resources }}{{ with .limits }}
{{- range $resource, $needed := dict "cpu" "100m" "memory" "128Mi" }}
{{- with get $.resources.limits $resource }}
{{- $given := toString . }}
{{- $number := include "cryptnono.quantity" (kindIs "string" . | ternary $given (printf "%f" (float64 .))) }}
{{- if and $number (lt (float64 $number) (include "cryptnono.quantity" $needed | float64)) }}
{{- $raised = append $raised (dict "resource" $resource "given" $given "needed" $needed) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}{{ end }}
{{- toJson $raised }}
{{- end }}

{{/* A Kubernetes quantity as a number; empty for a notation that nobody uses for little (1e3, 100u), which stays as it is. */}}
{{- define "cryptnono.quantity" -}}
{{- $factors := dict "m" 0.001 "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 }}
{{- if regexMatch `^[0-9]+(\.[0-9]*)?([mkMGT]|[KMGT]i)?$` . }}
{{- $number := regexFind `^[0-9.]+` . }}
{{- mulf (float64 $number) (get $factors (trimPrefix $number .)) }}
{{- end }}
{{- end }}
