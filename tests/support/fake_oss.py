"""A stand-in for Aliyun OSS on localhost: objects in memory, V4 signatures, failures on demand."""

import hashlib
import hmac
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import crcmod

ACCESS = {
    "OSS_ACCESS_KEY_ID": "id-of-test",
    "OSS_ACCESS_KEY_SECRET": "secret-of-test",
    "OSS_REGION": "cn-test",
    "OSS_BUCKET": "learn-wave",
}
ERRORS = {
    "404": "NoSuchKey",
    "404bucket": "NoSuchBucket",
    "403": "AccessDenied",
    "403skew": "RequestTimeTooSkewed",
    "500": "InternalError",
    "503": "ServiceUnavailable",
    "429": "TooManyRequests",
    "507": "QuotaExceeded",
}


def crc64(data: bytes) -> int:
    crc = crcmod.mkCrcFun(0x142F0E1EBA9EA3693, initCrc=0, xorOut=0xFFFFFFFFFFFFFFFF, rev=True)
    return crc(data)


def sign(
    secret: str, region: str, method: str, path: str, query: str, headers: dict, additional: str
) -> tuple[str, str]:
    """The V4 signature of a request, as OSS's documentation describes it."""
    pairs = sorted(
        (quote(k, safe=""), quote(v, safe="")) for k, v in parse_qsl(query, keep_blank_values=True)
    )
    canonical_query = "&".join(f"{k}={v}" if v else k for k, v in pairs)
    extra = [name for name in additional.split(";") if name]
    names = sorted(
        name
        for name in headers
        if name.startswith("x-oss-") or name in ("content-type", "content-md5", *extra)
    )
    canonical_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = "\n".join(
        [
            method,
            quote(unquote(path), safe="/"),
            canonical_query,
            canonical_headers,
            ";".join(extra),
            "UNSIGNED-PAYLOAD",
        ]
    )
    moment = headers["x-oss-date"]
    scope = f"{moment[:8]}/{region}/oss/aliyun_v4_request"
    to_sign = (
        f"OSS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    )
    key = f"aliyun_v4{secret}".encode()
    for part in (moment[:8], region, "oss", "aliyun_v4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return scope, hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


class FakeOss(ThreadingHTTPServer):
    """objects: key -> bytes. faults: one for each of the next requests, "" for none."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects, self.faults, self.seen, self.stopped = {}, [], [], threading.Event()
        self.pushes, self.storing = {}, threading.Lock()  # key -> x-oss-meta-push
        self.environ = {**ACCESS, "OSS_ENDPOINT": f"http://127.0.0.1:{self.server_port}"}
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_):
        """Log nothing of connections that a fault has cut."""

    def close(self):
        self.stopped.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        self.server.seen.append((self.command, unquote(self.path), fault))
        if fault == "slow":
            return self.server.stopped.wait(30)
        if fault == "reset":
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        if fault in ERRORS:
            return self.error(int(fault[:3]), ERRORS[fault])
        if not self.is_signed():
            return self.error(403, "SignatureDoesNotMatch")
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if bucket != ACCESS["OSS_BUCKET"]:
            return self.error(404, "NoSuchBucket")
        getattr(self, f"do_{self.command.lower()}")(key, dict(parse_qsl(parts.query)), body, fault)

    do_GET = do_PUT = do_DELETE = do_HEAD = handle_one

    def is_signed(self) -> bool:
        headers = {name.lower(): value for name, value in self.headers.items()}
        kind, _, rest = headers.get("authorization", "").partition(" ")
        fields = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
        parts = urlsplit(self.path)
        scope, signature = sign(
            ACCESS["OSS_ACCESS_KEY_SECRET"],
            ACCESS["OSS_REGION"],
            self.command,
            parts.path,
            parts.query,
            headers,
            fields.get("AdditionalHeaders", ""),
        )
        return (
            kind == "OSS4-HMAC-SHA256"
            and fields.get("Signature") == signature
            and fields.get("Credential") == f"{ACCESS['OSS_ACCESS_KEY_ID']}/{scope}"
        )

    def do_put(self, key, query, body, fault):
        with self.server.storing:
            if key in self.server.objects and self.headers.get("x-oss-forbid-overwrite") == "true":
                return self.error(409, "FileAlreadyExists")
            self.server.objects[key] = body
            self.server.pushes[key] = self.headers.get("x-oss-meta-push", "")
        if fault == "lost":  # the answer
            self.close_connection = True
            return self.connection.shutdown(socket.SHUT_RDWR)
        self.reply(
            200,
            headers={"x-oss-hash-crc64ecma": str(crc64(body) + (fault == "crc")), "ETag": '"x"'},
        )

    def do_head(self, key, query, body, fault):
        length = str(len(self.server.objects.get(key, b"")))
        status = 200 if key in self.server.objects else 404
        push = {"x-oss-meta-push": self.server.pushes.get(key, "")}
        self.reply(status, headers={"Content-Length": length, "ETag": '"x"', **push})

    def do_delete(self, key, query, body, fault):
        self.server.objects.pop(key, None)
        self.reply(204)

    def do_get(self, key, query, body, fault):
        if not key:
            return self.list(query)
        data = self.server.objects.get(key)
        if data is None:
            return self.error(404, "NoSuchKey")
        headers = {
            "x-oss-hash-crc64ecma": str(crc64(data) + (fault == "crc")),
            "Content-Length": str(len(data)),
            "ETag": '"x"',
        }
        if fault == "corrupt":
            data = bytes([data[0] ^ 1]) + data[1:]
        if fault == "endless":
            del headers["Content-Length"], headers["x-oss-hash-crc64ecma"]
            data *= 1000
        if fault == "unchecked":
            del headers["x-oss-hash-crc64ecma"]
            data = data[:-1] + b"?"
        self.start(200, headers)
        if fault == "drip":
            for i in range(len(data)):
                self.wfile.write(data[i : i + 1])
                if self.server.stopped.wait(0.05):
                    return
        self.wfile.write(data[: len(data) // 2] if fault == "cut" else data)
        self.close_connection = fault in ("cut", "endless")

    def list(self, query):
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        objects = dict(self.server.objects)
        keys = sorted(key for key in objects if key.startswith(prefix) and key > after)
        page, more = keys[:2], len(keys) > 2
        contents = "".join(
            f"<Contents><Key>{quote(key)}</Key><Size>{len(objects[key])}</Size>"
            "<ETag>x</ETag><Type>Normal</Type><StorageClass>Standard</StorageClass>"
            "<LastModified>2025-01-02T03:04:05.000Z</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{quote(page[-1])}</NextContinuationToken>" if more else ""
        self.reply(
            200,
            (
                "<ListBucketResult><EncodingType>url</EncodingType>"
                f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}"
                "</ListBucketResult>"
            ).encode(),
        )

    def error(self, status, code):
        body = f"<Code>{code}</Code><Message>no</Message><RequestId>1</RequestId>"
        self.reply(status, f"<Error>{body}</Error>".encode())

    def reply(self, status, body=b"", headers=None):
        self.start(status, {"Content-Length": str(len(body)), **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(body)

    def start(self, status, headers):
        self.send_response(status)
        for name, value in {"x-oss-request-id": "TEST", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
