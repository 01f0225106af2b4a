{{/*
What would look well and guard nothing: values that sops or its like encrypted and nobody decrypted, and what no JSON schema can
say. Each is refused with its place; a string is never shown.
*/}}
{{- define "cryptnono.refusals" -}}
{{- $values := omit .Values "global" }}
{{- if hasKey $values "sops" }}
{{- fail (include "cryptnono.undecrypted" "the whole file, which has sops' own key \"sops\"") }}
{{- end }}
{{- if regexMatch (printf `"%s` (include "cryptnono.ciphertext" .)) (toJson $values) }}
{{- include "cryptnono.refuseCiphertext" (list "" $values) }}
{{- end }}
{{- range $key := list "configs" "candidates" }}
{{- range $name, $config := get $.Values.detectors.execwhacker $key }}
{{- with $config }}
{{- range $index, $entry := .bannedCommandStrings }}
{{- $text := kindIs "map" $entry | ternary $entry (dict "value" $entry) | dig "value" "" }}
{{- if gt (len $text) 512 }}
{{- fail (printf "detectors.execwhacker.%s.%s.bannedCommandStrings[%d] has %d bytes; a banned string has 512 at most" $key $name $index (len $text)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $configs := default dict .Values.detectors.execwhacker.configs }}
{{- range $name, $candidate := .Values.detectors.execwhacker.candidates }}
{{- if hasKey $configs (printf "%s.candidate" $name) }}
{{- fail (printf "detectors.execwhacker.candidates.%s and configs.%s.candidate would be one file; give one of them another name" $name $name) }}
{{- end }}
{{- with $candidate }}
{{- with .replaces }}
{{- if not (get $configs .) }}
{{- fail (printf "detectors.execwhacker.candidates.%s.replaces names no list of detectors.execwhacker.configs" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* How sops (and hiera-eyaml), Ansible's vault, age and PGP begin what they encrypted: the agent's own pattern, for text and in JSON. */}}
{{- define "cryptnono.ciphertext" -}}
(\s|\\[tnr])*(ENC\[[A-Z0-9_]+,|\$ANSIBLE_VAULT;|-----BEGIN (AGE ENCRYPTED FILE|PGP MESSAGE)-----)
{{- end }}

{{/* Call with (list place value). Fails at the first ciphertext in it. */}}
{{- define "cryptnono.refuseCiphertext" -}}
{{- $place := index . 0 }}
{{- $value := index . 1 }}
{{- if kindIs "map" $value }}
{{- range $key, $one := $value }}
{{- include "cryptnono.refuseCiphertext" (list (trimPrefix "." (printf "%s.%s" $place $key)) $one) }}
{{- end }}
{{- else if kindIs "slice" $value }}
{{- range $index, $one := $value }}
{{- include "cryptnono.refuseCiphertext" (list (printf "%s[%d]" $place $index) $one) }}
{{- end }}
{{- else if kindIs "string" $value }}
{{- if regexMatch (printf "^%s" (include "cryptnono.ciphertext" $)) $value }}
{{- fail (include "cryptnono.undecrypted" $place) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cryptnono.undecrypted" -}}
these values were never decrypted: {{ . }}. As they are they would ban nothing.
Decrypt them before helm reads them: helm upgrade ... -f <(sops --decrypt FILE). Argo CD needs a plugin that decrypts, Flux a Kustomization with spec.decryption: docs/howto/install.md.
{{- end }}
