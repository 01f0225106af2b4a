{{/* What execwhacker alone has. Call with its values. */}}

{{/* Its config files. Without any it is given an empty one, as a deployment that bans nothing yet must not fail. */}}
{{- define "cryptnono.execwhacker.configs" -}}
{{- $files := list }}
{{- range $name, $config := .configs }}
{{- if $config }}{{ $files = append $files (printf "%s.json" $name) }}{{ end }}
{{- end }}
{{- default (list "none.json") $files | toJson }}
{{- end }}

{{/*
Its candidates by their files: lists that kill nothing. One that has the name of a list in force is what that list would become,
unless it says otherwise.
*/}}
{{- define "cryptnono.execwhacker.candidates" -}}
{{- $files := dict }}
{{- $configs := default dict .configs }}
{{- range $name, $candidate := .candidates }}
{{- with $candidate }}
{{- $own := dict }}
{{- if and (get $configs $name) (not (hasKey . "replaces")) }}{{ $own = dict "replaces" $name }}{{ end }}
{{- $_ := set $files (printf "%s.candidate.json" $name) (merge (dict "candidate" true) $own .) }}
{{- end }}
{{- end }}
{{- $files | toJson }}
{{- end }}

{{/* Its own arguments. */}}
{{- define "cryptnono.execwhacker.args" -}}
{{- $args := list "--scan-existing" (int64 .scanExistingSeconds | toString) "--unreadable" .unreadable "--over-long" .overLong }}
{{- range $flag, $number := dict
  "--max-allow-bytes" .maxAllowBytes
  "--max-work" .maxWork
  "--breaker-pods" .breakerPods
  "--breaker-namespaces" .breakerNamespaces
  "--breaker-window" .breakerWindowSeconds
}}
{{- if not (kindIs "invalid" $number) }}{{ $args = concat $args (list $flag (int64 $number | toString)) }}{{ end }}
{{- end }}
{{- if .allowAcrossLists }}{{ $args = append $args "--allow-across-lists" }}{{ end }}
{{- range $file, $_ := include "cryptnono.execwhacker.candidates" . | fromJson }}
{{- $args = concat $args (list "--candidate" (printf "/etc/cryptnono/execwhacker/%s" $file)) }}
{{- end }}
{{- toJson $args }}
{{- end }}

{{/* Non-empty when no string is banned. */}}
{{- define "cryptnono.execwhacker.bansNothing" -}}
{{- $banned := 0 }}
{{- range .configs }}{{ with . }}{{ $banned = add $banned (len (default list .bannedCommandStrings)) }}{{ end }}{{ end }}
{{- if not $banned }}yes{{ end }}
{{- end }}

{{/*
The allow patterns that spare strings of another list and do not hold the line's end, as a JSON list of places. A pattern spares
others' strings when it has "for", stands in a list without strings, or all do so by allowAcrossLists. The agent's check knows
better (matcher/src/allow/open-end.ts): here one whose branches each have an end is named all the same.
*/}}
{{- define "cryptnono.execwhacker.openPatterns" -}}
{{- $open := list }}
{{- $across := .allowAcrossLists }}
{{- range $name, $config := .configs }}
{{- with $config }}
{{- $alone := not .bannedCommandStrings }}
{{- range $index, $entry := .allowedCommandPatterns }}
{{- $pattern := kindIs "map" $entry | ternary $entry (dict "pattern" $entry) }}
{{- if or (hasKey $pattern "for") $alone $across }}
{{- $text := $pattern.pattern }}
{{- $ended := regexMatch `(^|[^\\])(\\\\)*(\$|\\Z)\)*$` $text }}
{{- if include "cryptnono.execwhacker.endsInAnything" $text }}{{ $ended = false }}{{ end }}
{{- if and (contains "|" $text) (not (regexMatch `\)(\$|\\Z)$` $text)) }}{{ $ended = false }}{{ end }}
{{- if not $ended }}{{ $open = append $open (printf "%s.allowedCommandPatterns[%d]: %s" $name $index $text) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $open | toJson }}
{{- end }}

{{/*
Non-empty when a pattern may end in whatever one likes, before its $: what need not be there is taken off its end, piece by piece.
Call with its text.
*/}}
{{- define "cryptnono.execwhacker.endsInAnything" -}}
{{- $any := `(\.|\[\\s\\S\]|\[\\S\\s\]|\[\\w\\W\]|\[\\W\\w\]|\[\\d\\D\]|\[\^(\\[nrtfv0])+\])([*+]|\{[0-9]*,\})\??$` }}
{{- $optional := `([?*]|\{0?,[0-9]*\})\??$` }}
{{- $rest := . }}
{{- $found := false }}
{{- range until 16 }}
{{- if regexMatch $any $rest }}{{ $found = true }}
{{- else if regexMatch (printf `\([^()]*\)%s` $optional) $rest }}
{{- $group := regexFind (printf `\([^()]*\)%s` $optional) $rest }}
{{- if regexMatch $any (regexReplaceAll (printf `\)%s` $optional) $group "") }}{{ $found = true }}{{ end }}
{{- $rest = trimSuffix $group $rest }}
{{- else if regexMatch (printf `(\\.|\[[^\]]*\]|[^\\)\]])%s` $optional) $rest }}
{{- $rest = regexReplaceAll (printf `(\\.|\[[^\]]*\]|[^\\)\]])%s` $optional) $rest "" }}
{{- else }}{{ $rest = regexReplaceAll `(\$|\\Z|\)[?*+]?)$` $rest "" }}
{{- end }}
{{- end }}
{{- if $found }}yes{{ end }}
{{- end }}
