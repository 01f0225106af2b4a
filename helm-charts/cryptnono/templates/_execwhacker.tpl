{{/* What execwhacker alone has. Call with its values. */}}

{{/* Its config files. Without any it is given an empty one, as a deployment that bans nothing yet must not fail. */}}
{{- define "cryptnono.execwhacker.configs" -}}
{{- $files := list }}
{{- range $name, $config := .configs }}
{{- if $config }}{{ $files = append $files (printf "%s.json" $name) }}{{ end }}
{{- end }}
{{- default (list "none.json") $files | toJson }}
{{- end }}

{{/* Its own arguments. */}}
{{- define "cryptnono.execwhacker.args" -}}
{{- $args := list "--scan-existing" (int64 .scanExistingSeconds | toString) "--unreadable" .unreadable "--over-long" .overLong }}
{{- range $flag, $number := dict
  "--max-allow-bytes" .maxAllowBytes
  "--max-work" .maxWork
}}
{{- if not (kindIs "invalid" $number) }}{{ $args = concat $args (list $flag (int64 $number | toString)) }}{{ end }}
{{- end }}
{{- if .allowAcrossLists }}{{ $args = append $args "--allow-across-lists" }}{{ end }}
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
others' strings when it has "for", stands in a list without strings, or all do so by allowAcrossLists. Only the pattern's own end
is looked at: one whose branches each have an end may be named all the same.
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
{{- if regexMatch `\.[*+]\??\)*(\$|\\Z)\)*$` $text }}{{ $ended = false }}{{ end }}
{{- if and (contains "|" $text) (not (regexMatch `\)(\$|\\Z)$` $text)) }}{{ $ended = false }}{{ end }}
{{- if not $ended }}{{ $open = append $open (printf "%s.allowedCommandPatterns[%d]: %s" $name $index $text) }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $open | toJson }}
{{- end }}
