{{- define "canary.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* The header that the filter writes for the routes. */}}
{{- define "canary.header" -}}
{{- $config := .Values.pluginConfig }}
{{- if include "canary.byCluster" . }}{{ $config.clusterHeader | default "x-canary-cluster" }}
{{- else }}{{ $config.subsetHeader }}{{ end }}
{{- end }}

{{- /* Not empty if routes take their cluster from the header. */}}
{{- define "canary.byCluster" -}}
{{- if or .Values.pluginConfig.clusterHeader (not .Values.pluginConfig.subsetHeader) }}yes{{ end }}
{{- end }}

{{- /* The proxies that an object of Istio is for; the field for the labels has another name in each kind. */}}
{{- define "canary.proxies" -}}
{{- $gateway := .root.Values.gateway }}
{{- if $gateway.targetRefs }}
targetRefs: {{ toJson $gateway.targetRefs }}
{{- else }}
{{ .selector }}:
  {{ .labels }}: {{ toJson $gateway.selector }}
{{- end }}
{{- end }}
