{{/* Also printed by a chart that has this one as its subchart. */}}
{{- define "cryptnono.notes" -}}
{{- $exec := .Values.detectors.execwhacker -}}
{{- if $exec.enabled -}}
cryptnono guards every node of the cluster{{ if eq $exec.mode "audit" }} in audit mode: it logs and kills nothing{{ end }}.

  kubectl -n {{ .Release.Namespace }} get pod -l app.kubernetes.io/name={{ include "cryptnono.name" . }} -o wide
  kubectl -n {{ .Release.Namespace }} logs <pod> -c execwhacker
{{- if include "cryptnono.execwhacker.bansNothing" $exec }}

All lists are empty: NO STRING IS BANNED.
{{- end }}
{{- with include "cryptnono.execwhacker.candidates" $exec | fromJson }}

These lists are candidates. They kill nothing: the log and the metrics say where they would differ from those in force.
{{- range $file, $candidate := . }}
  {{ trimSuffix ".candidate.json" $file }}{{ with $candidate.replaces }}, in the place of {{ . }}{{ end }}{{ with $candidate.revision }}, revision {{ . }}{{ end }}
{{- end }}
{{- end }}
{{- else -}}
cryptnono: detectors.execwhacker.enabled is false. NO NODE IS GUARDED.
{{- end }}
{{- if $exec.allowAcrossLists }}

detectors.execwhacker.allowAcrossLists is on: an allow pattern of any list spares the strings of all.
{{- end }}
{{- with include "cryptnono.execwhacker.openPatterns" $exec | fromJsonArray }}

These allow patterns spare strings of another list and end in the open: whoever begins a command line so may go on with
what he likes. End them with $, or keep them to their own list:
{{- range . }}
  {{ . }}
{{- end }}
{{- end }}
{{- if $exec.enabled }}
{{- with include "cryptnono.tooLittle" $exec | fromJsonArray }}

These limits are raised, as the detector would not start within a minute, or not at all:
{{- range . }}
  detectors.execwhacker.resources.limits.{{ .resource }}: {{ .given }} becomes {{ .needed }}
{{- end }}
{{- end }}
{{- end }}
{{- $monero := .Values.detectors.monero }}
{{- if $monero.enabled }}

monero kills what computes RandomX on every node{{ if eq $monero.mode "audit" }} in audit mode: it logs and kills nothing{{ end }}.
{{- with include "cryptnono.tooLittle" $monero | fromJsonArray }}

These limits are raised, as the detector would not start within a minute, or not at all:
{{- range . }}
  detectors.monero.resources.limits.{{ .resource }}: {{ .given }} becomes {{ .needed }}
{{- end }}
{{- end }}
{{- end }}
{{- $flow := .Values.detectors.tcpflowkiller }}
{{- if $flow.enabled }}

flowkiller refuses banned addresses on every node{{ if eq $flow.mode "audit" }} in audit mode: it logs, and refuses and kills nothing{{ end }}.
{{- if not (or $flow.bannedIpv4ConfigMaps $flow.bannedAddresses) }}

detectors.tcpflowkiller has no list of addresses: NO ADDRESS IS BANNED. Scans are bounded all the same.
{{- end }}
{{- end }}
{{- if .Values.console.enabled }}

The console shows who mines, at http://127.0.0.1:8080 after

  kubectl -n {{ .Release.Namespace }} port-forward deploy/{{ include "cryptnono.console.name" . }} 8080
{{- end }}
{{- $lost := list }}
{{- if or .Values.fetchKernelHeaders.resources .Values.fetchKernelHeaders.image }}{{ $lost = append $lost "fetchKernelHeaders: no kernel headers are needed" }}{{ end }}
{{- if $exec.threadpoolSize }}{{ $lost = append $lost "detectors.execwhacker.threadpoolSize: there is no thread pool" }}{{ end }}
{{- if or .Values.metrics.collector.image .Values.metrics.collector.resources }}{{ $lost = append $lost "metrics.collector.image, resources, port: the detector is scraped itself, at detectors.execwhacker.metrics.port" }}{{ end }}
{{- if $lost }}

These values have lost their meaning and can go:
{{- range $lost }}
  {{ . }}
{{- end }}
{{- end }}
{{- if hasSuffix "/yuvipanda/cryptnono" .Values.image.repository }}

image.repository names the earlier program's image, which does not start with this chart: take it and its tag out.
{{- end }}
{{- if .Values.containerSecurityContext.privileged }}

containerSecurityContext.privileged is true. It is not needed any more: four capabilities do.
{{- end }}
{{- end }}
