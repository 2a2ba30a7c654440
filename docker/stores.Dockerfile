# Stand-ins for the stages of docker/Dockerfile that the ones below build on; they go when the files become one.
FROM debian:trixie-slim AS debian
HEALTHCHECK NONE
FROM scratch AS compile
COPY --from=entrypoints . /out/

# ---- the stores and the edge: minimal trees of Debian packages ------------------------------------------------------

FROM debian AS neo4j-jdk
# The Java packages link pages into a folder that a slim base does not have.
RUN mkdir -p /usr/share/man/man1 \
    && apt-get update \
    && apt-get install -y --no-install-recommends "ca-certificates=2*" "curl=8.*" "openjdk-21-jdk-headless=21.*" \
    && rm -rf /var/lib/apt/lists/*

FROM neo4j-jdk AS neo4j-jars
SHELL ["/bin/bash", "-e", "-o", "pipefail", "-c"]
ARG MAVEN=https://repo.maven.apache.org/maven2
COPY docker/neo4j/jars.lock /tmp/
WORKDIR /cache
RUN --mount=type=secret,id=ca --mount=type=cache,target=/cache,sharing=locked \
    if [ -f /run/secrets/ca ]; then export CURL_CA_BUNDLE=/run/secrets/ca; fi \
    && { sha256sum --check --quiet /tmp/jars.lock > /dev/null 2>&1 \
         || { sed "s,^[0-9a-f]*  \(.*\)$,url = \"$MAVEN/\1\"\noutput = \"\1\"," /tmp/jars.lock \
              | curl --parallel --parallel-max 8 --silent --show-error --fail --location --retry 5 --create-dirs --config -; }; } \
    && sha256sum --check --quiet /tmp/jars.lock \
    && mkdir /jars && cut -c 67- /tmp/jars.lock | xargs cp -t /jars

FROM neo4j-jdk AS neo4j-java
ARG SOURCE_DATE_EPOCH=0
RUN jlink --output /opt/java --strip-java-debug-attributes --no-header-files --no-man-pages --compress zip-9 \
      --add-modules java.base,java.desktop,java.instrument,java.naming,java.rmi,java.scripting,java.security.jgss,java.security.sasl,java.sql,java.management,java.net.http,jdk.management,jdk.unsupported,jdk.zipfs,jdk.crypto.ec,jdk.jfr,jdk.incubator.vector
# What draws and plays, of a module that is needed for its beans. The archive of the runtime's own classes knows the
# time of their file.
WORKDIR /opt/java/lib
RUN rm -f libawt_xawt.so libjawt.so libfontmanager.so libjavajpeg.so liblcms.so libsplashscreen.so libjsound.so \
         libmlib_image.so \
    && find /opt/java -exec touch -d "@$SOURCE_DATE_EPOCH" {} + \
    && /opt/java/bin/java -XX:+UseG1GC -Xshare:dump > /dev/null
COPY --from=neo4j-jars /jars /opt/neo4j/lib
COPY docker/neo4j/Launcher.java docker/neo4j/java.args docker/neo4j/logs.xml /opt/neo4j/

# Unpacked here: at run time they would go into /tmp, from which nothing may be loaded.
FROM neo4j-java AS neo4j-native
WORKDIR /native
RUN for jar in jna netty-transport-native-epoll zstd-jni; do \
        for found in /opt/neo4j/lib/"$jar"-[0-9]*.jar; do jar xf "$found"; done; \
    done \
    && case "$(uname -m)" in \
         x86_64) jna=linux-x86-64 netty=x86_64 zstd=amd64 ;; \
         *) jna=linux-aarch64 netty=aarch_64 zstd=aarch64 ;; \
       esac \
    && mkdir /opt/neo4j/native \
    && cp "com/sun/jna/$jna/libjnidispatch.so" "META-INF/native/libnetty_transport_native_epoll_$netty.so" /opt/neo4j/native/ \
    && cp "linux/$zstd"/libzstd-jni-*.so /opt/neo4j/native/libzstd-jni.so

# Launcher.java is compiled here, and one start of it makes the archive of loaded classes: a start by it takes a third of
# the time. The archive counts only for the same jars, of the same times, in the same order.
FROM neo4j-java AS neo4j-archive
SHELL ["/bin/bash", "-e", "-o", "pipefail", "-c"]
ARG SOURCE_DATE_EPOCH=0
COPY --from=neo4j-native /opt/neo4j/native /opt/neo4j/native
COPY docker/neo4j/rehearsal.conf /tmp/neo4j/conf/neo4j.conf
WORKDIR /opt/neo4j
RUN javac -proc:none -d /tmp/classes -cp 'lib/*' Launcher.java \
    && jar --create --file lib/gantry-launcher.jar -C /tmp/classes . \
    && find lib -exec touch -d "@$SOURCE_DATE_EPOCH" {} + \
    && printf '%s\n' -cp "$(find "$PWD/lib" -name '*.jar' | LC_ALL=C sort | paste -sd :)" >> java.args \
    && mkdir /data && echo rehearsal | tee /tmp/password > /tmp/neo4j/password.mark \
    && timeout 300 /opt/java/bin/java -Xlog:cds=error -Xlog:cds+dynamic=error \
         -XX:ArchiveClassesAtExit=/opt/neo4j/classes.jsa @java.args -Xmx512m gantry.Launcher /data /tmp/password rehearse \
    && rm -r Launcher.java

FROM debian AS postgres-tree
ARG SOURCE_DATE_EPOCH=0
WORKDIR /packages
RUN apt-get update \
    && apt-get download postgresql-17 postgresql-client-17 postgresql-17-pgvector libpq5 libicu76 libldap2 libsasl2-2 \
         libgssapi-krb5-2 libkrb5-3 libk5crypto3 libcom-err2 libkrb5support0 libkeyutils1 libxml2 libxslt1.1 \
         libssl3t64 liblzma5 libuuid1 libreadline8t64 libnuma1 tzdata \
    && dpkg --unpack --force-depends ./*.deb && rm -rf /packages/* /var/lib/apt/lists/*
# Without the compiler of queries, which is off, and what belongs to Perl, Python and the documentation.
RUN rm -rf /usr/lib/postgresql/17/lib/bitcode /usr/lib/postgresql/17/lib/llvmjit* /usr/lib/postgresql/17/lib/pgxs \
    && rm -rf /usr/share/postgresql/17/man /usr/lib/postgresql/17/lib/*perl* /usr/lib/postgresql/17/lib/*python* \
    && rm -rf /usr/share/zoneinfo/right /usr/share/zoneinfo/posix
COPY docker/tree.sh docker/postgres/pg_hba.conf /packages/
WORKDIR /usr/lib/postgresql/17/bin
RUN /packages/tree.sh /tree postgres 999 /usr/bin/sh /usr/bin/dash /usr/lib/locale/C.utf8 /usr/share/zoneinfo \
         "$PWD/postgres" "$PWD/initdb" "$PWD/pg_dump" "$PWD/pg_restore" "$PWD/psql" "$PWD/pg_controldata" \
         "$PWD/pg_basebackup" "$PWD/pg_verifybackup" "$PWD/pg_combinebackup" "$PWD/pg_isready" \
         /usr/lib/postgresql/17/lib /usr/share/postgresql/17 \
    && mkdir -p /tree/etc/postgresql /tree/var/lib/postgresql /tree/backups /tree/run/postgresql \
    && cp /packages/pg_hba.conf /tree/etc/postgresql/ \
    && chown 999:999 /tree/var/lib/postgresql /tree/backups /tree/run/postgresql \
    && find /tree -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# tmpfs: /run/postgresql and /tmp. Volume: /var/lib/postgresql; for `backup` /backups. /dev/shm as large as an index needs.
FROM scratch AS postgres
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gantry-postgres" \
      org.opencontainers.image.description="PostgreSQL 17 with pgvector" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=postgres-tree /tree /
COPY --from=compile /out/postgres-entrypoint /entrypoint
USER 999:999
EXPOSE 5432
STOPSIGNAL SIGINT
ENTRYPOINT ["/entrypoint"]
HEALTHCHECK --interval=10s --timeout=4s --retries=3 --start-period=60s CMD ["/entrypoint", "probe"]

FROM debian AS redis-tree
ARG SOURCE_DATE_EPOCH=0
WORKDIR /packages
RUN apt-get update \
    && apt-get download redis-tools redis-server libjemalloc2 liblzf1 libssl3t64 libsystemd0 libatomic1 liblua5.1-0 libhiredis1.1.0 \
    && dpkg --unpack --force-depends ./*.deb && rm -rf /packages/* /var/lib/apt/lists/*
COPY docker/tree.sh /packages/
RUN /packages/tree.sh /tree redis 999 /usr/bin/redis-server /usr/bin/redis-check-rdb /usr/bin/redis-cli \
    && mkdir -p /tree/data /tree/run/redis && chown 999:999 /tree/data /tree/run/redis \
    && find /tree -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# tmpfs: /run/redis. Volume: /data.
FROM scratch AS redis
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gantry-redis" \
      org.opencontainers.image.description="Redis 8" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=redis-tree /tree /
COPY --from=compile /out/redis-entrypoint /entrypoint
USER 999:999
EXPOSE 6379
ENTRYPOINT ["/entrypoint"]
HEALTHCHECK --interval=10s --timeout=4s --retries=3 --start-period=30s CMD ["/entrypoint", "probe"]

FROM debian AS haproxy-tree
ARG SOURCE_DATE_EPOCH=0
WORKDIR /packages
RUN apt-get update \
    && apt-get download haproxy libjemalloc2 liblua5.4-0 libopentracing-c-wrapper0t64 libopentracing1 libpcre2-8-0 libssl3t64 libcrypt1 libcap2 zlib1g \
    && dpkg --unpack --force-depends ./*.deb && rm -rf /packages/* /var/lib/apt/lists/*
COPY docker/tree.sh deploy/edge/haproxy.cfg /packages/
RUN /packages/tree.sh /tree haproxy 99 /usr/sbin/haproxy \
    && mkdir -p /tree/etc/haproxy && cp /packages/haproxy.cfg /tree/etc/haproxy/ \
    && find /tree -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# tmpfs: none. Secret: /run/secrets/edge_certificate.
FROM scratch AS haproxy
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gantry-edge" \
      org.opencontainers.image.description="HAProxy 3.0, the only way in" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=haproxy-tree /tree /
COPY --from=compile /out/haproxy-entrypoint /entrypoint
USER 99:99
# What its configuration asks of the environment.
ENV GANTRY_EDGE_HTTPS_PORT=8443 GANTRY_EDGE_RATE=20000 GANTRY_EDGE_MAXCONN=4096
EXPOSE 8080 8443 8404
# Drains: what is in flight ends, then the process does.
STOPSIGNAL SIGUSR1
ENTRYPOINT ["/entrypoint"]
HEALTHCHECK --interval=10s --timeout=4s --retries=3 --start-period=10s CMD ["/entrypoint", "probe"]

FROM debian AS neo4j-tree
ARG SOURCE_DATE_EPOCH=0
COPY --from=neo4j-archive /opt/java /opt/java
COPY --from=neo4j-archive /opt/neo4j /opt/neo4j
COPY docker/tree.sh /packages/
# The runtime's libraries find each other because the first has been loaded by its path.
RUN LD_LIBRARY_PATH=/opt/java/lib/server:/opt/java/lib /packages/tree.sh /tree neo4j 7474 /opt/java /opt/neo4j /usr/lib/locale/C.utf8 \
    && mkdir -p /tree/data /tree/backups && chown 7474:7474 /tree/data /tree/backups \
    && find /tree -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# tmpfs: /tmp. Volume: /data; for `admin database dump` /backups.
FROM scratch AS neo4j
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="gantry-neo4j" \
      org.opencontainers.image.description="Neo4j Community 5.26" \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION \
      org.opencontainers.image.licenses="GPL-3.0-only"
COPY --from=neo4j-tree /tree /
COPY --from=compile /out/neo4j-entrypoint /entrypoint
USER 7474:7474
EXPOSE 7687
ENTRYPOINT ["/entrypoint"]
HEALTHCHECK --interval=10s --timeout=4s --retries=3 --start-period=180s CMD ["/entrypoint", "probe"]
