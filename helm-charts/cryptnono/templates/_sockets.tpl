{{/*
How the agent reaches the node's container runtimes: through the root directory of the node's PID 1, which hostPID
shows. So no directory of the node is mounted, a runtime that restarts is found again (a mounted socket would be the
dead one), and a socket that is absent is not made into a directory, as a hostPath mount would.

/var/run is written /run: it is an absolute link there, which would be followed into the container's own root.
*/}}
{{- define "cryptnono.nodeSocket" -}}
{{- printf "unix:///proc/1/root%s" (regexReplaceAll "^/var/run/" . "/run/") }}
{{- end }}

{{/*
A detector's environment as a list, the user's own entries over the sockets'. A socket that was given under /host, where
earlier charts had mounted the node's root, is still found. Call with the detector's values.
*/}}
{{- define "cryptnono.env" -}}
{{- $byName := dict }}
{{- with .containerdHostPath }}
{{- $_ := set $byName "CONTAINER_RUNTIME_ENDPOINT" (dict "value" (include "cryptnono.nodeSocket" .)) }}
{{- end }}
{{- with .dockerHostPath }}
{{- $_ := set $byName "DOCKER_HOST" (dict "value" (include "cryptnono.nodeSocket" .)) }}
{{- end }}
{{- if kindIs "map" .env }}
{{- range $name, $value := .env }}
{{- $_ := set $byName $name (dict "value" (toString $value)) }}
{{- end }}
{{- else }}
{{- range .env }}
{{- $_ := set $byName .name (omit . "name") }}
{{- end }}
{{- end }}
{{- $env := list }}
{{- range $name, $from := $byName }}
{{- if and $from.value (hasPrefix "unix:///host/" $from.value) }}
{{- $from = dict "value" (include "cryptnono.nodeSocket" (trimPrefix "unix:///host" $from.value)) }}
{{- end }}
{{- $env = append $env (merge (dict "name" $name) $from) }}
{{- end }}
{{- if $env }}
{{- toYaml $env }}
{{- end }}
{{- end }}
