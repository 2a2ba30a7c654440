# Every image at once: docker buildx bake -f docker/docker-bake.hcl [services|stores|<image>]
#
# A registry and its tags: REGISTRY=registry.example.org/team/ VERSION=0.1.0 REVISION=$(git rev-parse --short HEAD)

variable "REGISTRY" { default = "" }
variable "VERSION" { default = "0.1.0" }
variable "REVISION" { default = "unknown" }
# When the images were made: the time of the commit, so that equal sources make equal images.
variable "SOURCE_DATE_EPOCH" { default = "0" }
# A certificate bundle, behind a proxy that inspects https.
variable "CA" { default = "" }

group "default" { targets = ["services", "stores"] }
group "services" { targets = ["api", "mcp", "nexus", "dataflow"] }
# For development of Gantry itself.
group "workshops" { targets = ["workshop"] }
group "stores" { targets = ["postgres", "redis", "neo4j", "haproxy"] }

function "tags" {
  params = [name]
  result = concat(
    ["${REGISTRY}gantry/${name}:${VERSION}", "${REGISTRY}gantry/${name}:latest"],
    REVISION == "unknown" ? [] : ["${REGISTRY}gantry/${name}:${VERSION}-${REVISION}"],
  )
}

target "image" {
  name       = name
  matrix     = { name = ["api", "mcp", "nexus", "dataflow", "postgres", "redis", "neo4j", "haproxy", "workshop"] }
  context    = "."
  dockerfile = "docker/Dockerfile"
  target     = name
  tags       = tags(name)
  args       = { VERSION = VERSION, REVISION = REVISION, SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH }
  secret     = CA == "" ? [] : ["type=file,id=ca,src=${CA}"]
}
