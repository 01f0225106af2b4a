{{/* What flowkiller alone has. Call with its values. */}}

{{/*
Its settings: those of the values, wherever they stand in `config`, and the lists that the values bring themselves. Today's chart
looks for the ConfigMaps' files in /ban-config.
*/}}
{{- define "cryptnono.flowkiller.config" -}}
{{- $config := default dict .config }}
{{- $own := merge (deepCopy (default dict $config.FlowKiller)) (omit $config "FlowKiller") }}
{{- if not (hasKey $own "banned_ipv4_file_globs") }}
{{- $_ := set $own "banned_ipv4_file_globs" (list "/ban-config/*") }}
{{- end }}
{{- if .bannedAddresses }}
{{- $_ := set $own "banned_file_globs" (append (default list $own.banned_file_globs) "/etc/cryptnono/flowkiller/*.txt") }}
{{- end }}
{{- if .poolNames }}
{{- $_ := set $own "names_file_globs" (append (default list $own.names_file_globs) "/etc/cryptnono/flowkiller/*.names") }}
{{- end }}
{{- dict "FlowKiller" $own | toJson }}
{{- end }}

{{- define "cryptnono.flowkiller.args" -}}
{{- with .cgroupRoot }}{{ toJson (list "--cgroup-root" .) }}{{ else }}[]{{ end }}
{{- end }}

{{/* The README has the reason for each. */}}
{{- define "cryptnono.flowkiller.capabilities" -}}
{{- $capabilities := list "BPF" "PERFMON" "NET_ADMIN" "KILL" }}
{{- $config := include "cryptnono.flowkiller.config" . | fromJson }}
{{- if $config.FlowKiller.allowed_command_patterns }}{{ $capabilities = append $capabilities "SYS_PTRACE" }}{{ end }}
{{- if .mountsCgroup2 }}{{ $capabilities = append $capabilities "SYS_ADMIN" }}{{ end }}
{{- toJson $capabilities }}
{{- end }}

{{/*
One directory for all ConfigMaps, which the kubelet swaps as a whole when one changes. A map names one key of each, which is the file's
name; two that are called alike have their ConfigMap's name in front.
*/}}
{{- define "cryptnono.flowkiller.volumes" -}}
{{- $sources := list }}
{{- if kindIs "map" .bannedIpv4ConfigMaps }}
{{- $keys := values .bannedIpv4ConfigMaps }}
{{- range $name, $key := .bannedIpv4ConfigMaps }}
{{- $alike := 0 }}
{{- range $keys }}{{ if eq . $key }}{{ $alike = add1 $alike }}{{ end }}{{ end }}
{{- $path := gt (int $alike) 1 | ternary (printf "%s-%s" $name $key) $key }}
{{- $sources = append $sources (dict "configMap" (dict "name" $name "items" (list (dict "key" $key "path" $path)))) }}
{{- end }}
{{- else }}
{{- range .bannedIpv4ConfigMaps }}{{ $sources = append $sources (dict "configMap" (dict "name" .)) }}{{ end }}
{{- end }}
{{- $volumes := list }}
{{- if not .mountsCgroup2 }}
{{- $volumes = append $volumes (dict "name" "cgroup" "hostPath" (dict "path" "/sys/fs/cgroup" "type" "Directory")) }}
{{- end }}
{{- if $sources }}{{ $volumes = append $volumes (dict "name" "ban-config" "projected" (dict "sources" $sources)) }}{{ end }}
{{- toJson $volumes }}
{{- end }}

{{- define "cryptnono.flowkiller.mounts" -}}
{{- $mounts := list }}
{{- range include "cryptnono.flowkiller.volumes" . | fromJsonArray }}
{{- $path := eq .name "cgroup" | ternary "/host/sys/fs/cgroup" "/ban-config" }}
{{- $mounts = append $mounts (dict "name" .name "mountPath" $path "readOnly" true) }}
{{- end }}
{{- toJson $mounts }}
{{- end }}
