{{/* What monero alone has. Call with its values, but for the first. */}}

{{/* Its values, with execwhacker's sockets where it has none of its own. Call with the root context. */}}
{{- define "cryptnono.monero.values" -}}
{{- $values := deepCopy .Values.detectors.monero }}
{{- range list "containerdHostPath" "dockerHostPath" }}
{{- if kindIs "invalid" (get $values .) }}{{ $_ := set $values . (get $.Values.detectors.execwhacker .) }}{{ end }}
{{- end }}
{{- toYaml $values }}
{{- end }}

{{/* Its config files: lists of allow patterns. */}}
{{- define "cryptnono.monero.configs" -}}
{{- $files := list }}
{{- range $name, $config := .configs }}
{{- if $config }}{{ $files = append $files (printf "%s.json" $name) }}{{ end }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{- define "cryptnono.monero.args" -}}
{{- $args := list "--registers" .registers "--four-modes" .fourModes "--memory" .memory }}
{{- range $flag, $number := dict
  "--half-life" .halfLifeSeconds
  "--memory-every" .memoryEverySeconds
  "--memory-percent" .memoryPercent
  "--min-each" .minEach
  "--min-percent" .minPercent
  "--min-samples" .minSamples
  "--ticks" .ticksPerSecond
}}
{{- if not (kindIs "invalid" $number) }}{{ $args = concat $args (list $flag (int64 $number | toString)) }}{{ end }}
{{- end }}
{{- if .memoryAtExec }}{{ $args = append $args "--memory-at-exec" }}{{ end }}
{{- toJson $args }}
{{- end }}
