# What chapters set up unseen. The shell of each chapter has read this.

# A call that is refused fails, with status 22, also where readers are not told of curl's flags for that.
curl() {
    case " $* " in
    *' -sSf '*) command curl "$@" ;;
    *) command curl --fail-with-body "$@" ;;
    esac
}

# A PostgreSQL database of its own; prints its address.
database() {
    psql -qX "$TASKGATE_TEST_POSTGRES_URL" -c "create database $1" >&2
    echo "${TASKGATE_TEST_POSTGRES_URL%/*}/$1"
}

# Publishes a key as an auth server does, at a port.
publish_keys() {
    mkdir -p keys/api/auth
    echo '{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "QGWIrAD4uTD_FwnBmiXIwsG7RXQTGvTc5gVlsAdyuko"}]}' \
        >keys/api/auth/jwks
    exec python3 -m http.server --bind 127.0.0.1 --directory keys "$1"
}

# A call of a REST route as the user of $TOKEN; prints the revision that it answers: call POST /api/tasks '{…}'
call() {
    curl -sSf -X "$1" "http://$LISTEN$2" -o /dev/null -D headers -H "Authorization: Bearer $TOKEN" \
        -H 'Content-Type: application/json' ${3:+-d "$3"} || return
    sed -n 's/^etag: "\([0-9]*\)".*/\1/p' headers
}

# Waits until a file ends with a line; prints its last line.
wait_for() {
    for try in $(seq 100); do tail -n 1 "$1" | grep -qx "$2" && break; sleep 0.1; done
    tail -n 1 "$1"
}

# The database of a FastAPI backend, with two tasks; prints its address.
old_backend() {
    old=$(database "$1")
    psql -qX "$old" >&2 <<'SQL'
create table task (id serial primary key, user_id text not null, title text not null, description text,
    completed boolean not null, created_at timestamp not null, updated_at timestamp not null);
insert into task values (1001, 'ann', 'Buy milk', null, false, '2025-03-01 10:00:00', '2025-03-01 10:00:00'),
    (1007, 'bob', 'Call Bob', 'at noon', true, '2025-03-02 10:00:00.5', '2025-03-03 10:00:00');
SQL
    echo "$old"
}
