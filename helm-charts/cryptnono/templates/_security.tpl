{{/* What the containers may do. The README gives the reason for each line. Call with (list $ capabilities). */}}

{{- define "cryptnono.securityContext" -}}
{{- $given := (index . 0).Values.containerSecurityContext -}}
{{- $own := dict
  "runAsUser" 0
  "runAsGroup" 0
  "readOnlyRootFilesystem" true
  "allowPrivilegeEscalation" false
  "seccompProfile" (dict "type" "RuntimeDefault")
  "capabilities" (dict "drop" (list "ALL") "add" (index . 1))
-}}
{{- if $given.privileged }}
{{- $own = dict "readOnlyRootFilesystem" true }}
{{- end }}
{{- mergeOverwrite $own (deepCopy $given) | toYaml }}
{{- end }}

{{/* AppArmor became a field in Kubernetes 1.30; older ones know the annotation alone. */}}
{{- define "cryptnono.appArmorField" -}}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version -}}
appArmorProfile:
  type: Unconfined
{{- end }}
{{- end }}

{{/* Call with (list $ container). */}}
{{- define "cryptnono.appArmorAnnotation" -}}
{{- $root := index . 0 -}}
{{- if semverCompare "<1.30.0-0" $root.Capabilities.KubeVersion.Version -}}
container.apparmor.security.beta.kubernetes.io/{{ index . 1 }}: unconfined
{{- end }}
{{- end }}
