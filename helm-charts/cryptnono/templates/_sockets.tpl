{{/*
How the agent reaches the node's container runtimes: each socket's directory is mounted under /host, read-only. Not the
socket itself: the mount would stay on the dead one when the runtime restarts, and where there is none the mount would
leave a directory of its name on the node. Call with a list of detectors' values.
*/}}
{{- define "cryptnono.socketDirs" -}}
{{- $dirs := list }}
{{- range . }}
{{- range list .containerdHostPath .dockerHostPath }}
{{- with . }}{{ $dirs = append $dirs (dir .) }}{{ end }}
{{- end }}
{{- end }}
{{- $dirs | uniq | toJson }}
{{- end }}

{{/* Call with a detector's dict, as "cryptnono.detector" has it. */}}
{{- define "cryptnono.socketMounts" -}}
{{- $own := include "cryptnono.socketDirs" (list .values) | fromJsonArray }}
{{- range $index, $dir := include "cryptnono.allSocketDirs" .all | fromJsonArray }}
{{- if has $dir $own }}
- name: runtime-{{ $index }}
  mountPath: /host{{ $dir }}
  readOnly: true
  # So that the containers' file systems below it, which the runtime unmounts, go here as well.
  mountPropagation: HostToContainer
{{- end }}
{{- end }}
{{- end }}

{{/* Call with the list of all detectors' dicts. */}}
{{- define "cryptnono.socketVolumes" -}}
{{- range $index, $dir := include "cryptnono.allSocketDirs" . | fromJsonArray }}
- name: runtime-{{ $index }}
  hostPath:
    path: {{ $dir }}
    type: DirectoryOrCreate
{{- end }}
{{- end }}

{{/* The same. */}}
{{- define "cryptnono.allSocketDirs" -}}
{{- $values := list }}
{{- range . }}{{ $values = append $values .values }}{{ end }}
{{- include "cryptnono.socketDirs" $values }}
{{- end }}

{{/* The detector's environment as a list, the user's own entries over the sockets'. */}}
{{- define "cryptnono.env" -}}
{{- $byName := dict }}
{{- with .containerdHostPath }}
{{- $_ := set $byName "CONTAINER_RUNTIME_ENDPOINT" (dict "value" (printf "unix:///host%s" .)) }}
{{- end }}
{{- with .dockerHostPath }}
{{- $_ := set $byName "DOCKER_HOST" (dict "value" (printf "unix:///host%s" .)) }}
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
{{- $env = append $env (merge (dict "name" $name) $from) }}
{{- end }}
{{- if $env }}
{{- toYaml $env }}
{{- end }}
{{- end }}
