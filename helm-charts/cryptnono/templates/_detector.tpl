{{/*
The one container template of all detectors. Call with a dict:
  root          the chart's root context
  name          the container's name, which is the agent's subcommand, the folder of its configs and the directory of its pins
  values        its block of .Values.detectors
  configs       names of its config files, in the Secret <fullname>-<name>; none: no Secret is mounted
  args          its own arguments
  capabilities  that it adds to none
  mounts        what it mounts besides, as a list; the pod's volumes for it are its `volumes`
  ports         names of its ports: health, metrics. They are unique in the pod, 15 characters at most
  all           the list of all detectors' dicts, whose sockets the pod's volumes are for
*/}}
{{- define "cryptnono.detector" -}}
{{- $root := .root -}}
{{- $detector := . -}}
{{- with .values -}}
name: {{ $detector.name }}
image: {{ include "cryptnono.image" $root | quote }}
{{- with $root.Values.image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
args:
  - {{ $detector.name }}
  {{- range $detector.configs }}
  - --config
  - {{ printf "/etc/cryptnono/%s/%s" $detector.name . }}
  {{- end }}
  - --lookup-container
  - --mode
  - {{ .mode }}
  {{- with include "cryptnono.commonArgs" . | fromJsonArray }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with $detector.args }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  # As the console names it: cases have their numbers by it.
  - --node-name
  - $(CRYPTNONO_NODE_NAME)
  {{- if $root.Values.tellTerminal }}
  - --tell-terminal
  {{- end }}
  - --health-port
  - {{ .healthPort | quote }}
  {{- if $root.Values.metrics.enabled }}
  - --serve-metrics-port
  - {{ .metrics.port | quote }}
  {{- end }}
  {{- if $root.Values.pins.enabled }}
  # The agent keeps to its own directory in it.
  - --pin-dir
  - /run/cryptnono/pins
  {{- end }}
  {{- if .debug }}
  - --debug
  {{- end }}
env:
  {{- with include "cryptnono.env" . }}
  {{- . | nindent 2 }}
  {{- end }}
  - name: CRYPTNONO_NODE_NAME
    valueFrom:
      fieldRef:
        fieldPath: spec.nodeName
ports:
  - name: {{ $detector.ports.health }}
    containerPort: {{ .healthPort }}
  {{- if $root.Values.metrics.enabled }}
  - name: {{ $detector.ports.metrics }}
    containerPort: {{ .metrics.port }}
  {{- end }}
# Asked each second until it answers, so that a pod is ready in the second in which it guards.
startupProbe:
  httpGet:
    path: /livez
    port: {{ $detector.ports.health }}
  periodSeconds: 1
  failureThreshold: 60
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ $detector.ports.health }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
# Slow to act: a restart helps against a hang alone, and the node stays guarded by the pins meanwhile.
livenessProbe:
  httpGet:
    path: /livez
    port: {{ $detector.ports.health }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
securityContext:
  {{- $capabilities := $detector.capabilities }}
  {{- /* To see which terminal a process has. */}}
  {{- if $root.Values.tellTerminal }}{{ $capabilities = append $capabilities "SYS_PTRACE" | uniq }}{{ end }}
  {{- include "cryptnono.securityContext" (list $root $capabilities) | nindent 2 }}
  {{- with include "cryptnono.appArmorField" $root }}
  {{- . | nindent 2 }}
  {{- end }}
resources:
  {{- include "cryptnono.resources" . | nindent 2 }}
volumeMounts:
  {{- if $detector.configs }}
  # The directory, not its files: only so does the kubelet swap in a changed Secret.
  - name: {{ $detector.name }}-configs
    mountPath: /etc/cryptnono/{{ $detector.name }}
    readOnly: true
  {{- end }}
  {{- if $root.Values.pins.enabled }}
  - name: pins
    mountPath: /run/cryptnono/pins
  {{- end }}
  {{- with $detector.mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with include "cryptnono.socketMounts" $detector }}
  {{- . | trim | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
Arguments of flags that every detector has, of those that its values set. Call with its values. A number from values is a float64,
which a template prints as 1e+06 unless it is told that it is whole.
*/}}
{{- define "cryptnono.commonArgs" -}}
{{- $args := list }}
{{- range $flag, $number := dict
  "--lookup-wait" .lookupWaitSeconds
  "--whole-lines" .wholeLines
  "--summary-every" .summaryEverySeconds
}}
{{- if not (kindIs "invalid" $number) }}{{ $args = concat $args (list $flag (int64 $number | toString)) }}{{ end }}
{{- end }}
{{- with .lookupEnvs }}{{ $args = concat $args (list "--lookup-envs" (join "," .)) }}{{ end }}
{{- range .trustedCgroups }}{{ $args = concat $args (list "--trusted-cgroup" .) }}{{ end }}
{{- if .logSeverity }}{{ $args = append $args "--log-severity" }}{{ end }}
{{- toJson $args }}
{{- end }}
