{{/*
The name of the webhook's objects. It does not depend on the release's name: a
cluster has one Leaseholder, since two would both answer for the same
annotation. A second installation fails at once, because Helm finds that the
cluster-wide objects belong to the first.
*/}}
{{- define "leaseholder.name" -}}
leaseholder-webhook
{{- end }}

{{/*
The name of both webhook configurations. The API server asks mutating webhooks in
the order of these names. A mesh's webhook reads the pod's containers and
annotations once, so this one has to come before "istio-sidecar-injector" and
"linkerd-proxy-injector-webhook-config".
*/}}
{{- define "leaseholder.configuration.name" -}}
admission.leaseholder.dev
{{- end }}

{{/*
The name of the Secret that holds the webhook's certificate. Each mode has one of
its own: a change from one to another deletes the Secret of the old one while the
new one is being filled.
*/}}
{{- define "leaseholder.certificate.secret" -}}
{{- if eq .Values.certificates.mode "provided" -}}
{{ .Values.certificates.provided.secretName }}
{{- else if eq .Values.certificates.mode "certManager" -}}
leaseholder-webhook-issued
{{- else -}}
leaseholder-webhook-certificate
{{- end }}
{{- end }}

{{/*
The names of cert-manager's objects: the authority with its Secret and its issuer,
the issuer that signs the authority, and the certificate.
*/}}
{{- define "leaseholder.authority.name" -}}
leaseholder-webhook-ca
{{- end }}
{{- define "leaseholder.selfsigned.name" -}}
leaseholder-webhook-selfsigned
{{- end }}
{{- define "leaseholder.certificate.name" -}}
leaseholder-webhook
{{- end }}

{{/*
The annotation of both webhook configurations by which cert-manager injects what
signed the certificate. It names the certificate and not the authority: the two
come from one Secret then, which holds what belongs together at any time.
*/}}
{{- define "leaseholder.injection" -}}
{{- if eq .Values.certificates.mode "certManager" -}}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "leaseholder.certificate.name" . }}
{{- end }}
{{- end }}

{{/*
What the API server trusts, in every webhook of both configurations.
*/}}
{{- define "leaseholder.caBundle" -}}
{{- if eq .Values.certificates.mode "provided" -}}
caBundle: {{ .Values.certificates.provided.caBundle | b64enc }}
{{- else -}}
# There is no caBundle here on purpose: the webhook or cert-manager publishes its own
# and keeps it, and an upgrade leaves alone what the chart does not name.
{{- end }}
{{- end }}

{{/*
The name of the policy for the label of namespaces, and of its binding.
*/}}
{{- define "leaseholder.namespacepolicy.name" -}}
leaseholder-namespace-policy
{{- end }}

{{/*
The name of the policy for pods that the webhook was not asked about, and of its
binding.
*/}}
{{- define "leaseholder.podpolicy.name" -}}
leaseholder-pod-policy
{{- end }}

{{/*
The user that the webhook is to the API server. Policies tell it from others by that.
*/}}
{{- define "leaseholder.account" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "leaseholder.name" . }}
{{- end }}

{{/*
The names of the policies that bind the webhook's account, on pods, Leases, Endpoints,
rights and webhook configurations, and of their bindings.
*/}}
{{- define "leaseholder.accountpodpolicy.name" -}}
leaseholder-account-pod-policy
{{- end }}

{{- define "leaseholder.accountleasepolicy.name" -}}
leaseholder-account-lease-policy
{{- end }}

{{- define "leaseholder.accountendpointspolicy.name" -}}
leaseholder-account-endpoints-policy
{{- end }}

{{- define "leaseholder.accountrightspolicy.name" -}}
leaseholder-account-rights-policy
{{- end }}

{{- define "leaseholder.accountwebhookpolicy.name" -}}
leaseholder-account-webhook-policy
{{- end }}

{{/*
The name of the policy for the labels of injected pods, and of its binding.
*/}}
{{- define "leaseholder.labelpolicy.name" -}}
leaseholder-label-policy
{{- end }}

{{/*
The name of the policy for who may hand a Lease over to Leaseholder, and of its binding.
*/}}
{{- define "leaseholder.leasepolicy.name" -}}
leaseholder-lease-policy
{{- end }}

{{/*
The name of the policy for who may hand Endpoints over to Leaseholder or give addresses to
those that are locks, and of its binding.
*/}}
{{- define "leaseholder.endpointspolicy.name" -}}
leaseholder-endpoints-policy
{{- end }}

{{/*
The name of the objects that exist only while `helm test` runs.
*/}}
{{- define "leaseholder.selftest.name" -}}
leaseholder-selftest
{{- end }}

{{/*
The name of those of them that are in selftest.namespace. The rights of an election may be
there too, whose names have no dot: `helm test` deletes what has the name.
*/}}
{{- define "leaseholder.selftest.rights" -}}
leaseholder.selftest
{{- end }}

{{/*
The labels by which the webhook's pods are selected. They never change, because
a Deployment's selector can't.
*/}}
{{- define "leaseholder.selectorLabels" -}}
app.kubernetes.io/name: leaseholder
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end }}

{{/*
The labels of every object. A list: the root context, then the component. The
chart's own labels win over commonLabels.
*/}}
{{- define "leaseholder.labels" -}}
{{- $root := index . 0 }}
{{- $own := dict
  "app.kubernetes.io/name" "leaseholder"
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" (index . 1)
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "app.kubernetes.io/managed-by" $root.Release.Service
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_"))
}}
{{- toYaml (merge $own $root.Values.commonLabels) }}
{{- end }}

{{/*
An image's reference. A list: the root context, then the image's values. A
digest wins over a tag, so that what was approved is what runs.
*/}}
{{- define "leaseholder.image" -}}
{{- $root := index . 0 }}
{{- $image := index . 1 }}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{/*
The security settings of every container: what Pod Security "restricted" asks
for, and a read-only file system. The user is the image's (65532) and is not
repeated here, because OpenShift gives every namespace users of its own.
*/}}
{{- define "leaseholder.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop:
    - ALL
readOnlyRootFilesystem: true
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/*
The hook annotations of what `helm test` makes. The context is the weight:
lighter objects are made first.
*/}}
{{- define "leaseholder.selftest.annotations" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
# Nothing stays, whatever the outcome.
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}

{{/*
The name of the priority class of the webhook's pods, empty for the cluster's
default.
*/}}
{{- define "leaseholder.priorityclass.name" -}}
{{- if .Values.priorityClass.name -}}
{{ .Values.priorityClass.name }}
{{- else if .Values.priorityClass.create -}}
{{ include "leaseholder.name" . }}
{{- end }}
{{- end }}

{{/*
Whom the chart's pods may reach: the API server, and name servers where it has a
name.
*/}}
{{- define "leaseholder.networkpolicy.egress" -}}
- ports:
    {{- range .Values.networkPolicy.apiServer.ports }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- with .Values.networkPolicy.apiServer.cidrs }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
  {{- end }}
{{- if .Values.networkPolicy.dns }}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}
{{- end }}
