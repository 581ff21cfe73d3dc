#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""craft.py KIND FILE [OUTSIDE]: an archive for tests/environment, most of them hostile. Every one holds a small root as well.

OUTSIDE is a folder on the host that a hostile archive tries to reach. KIND "list" prints all kinds.
"""
import gzip
import hashlib
import io
import json
import lzma
import os
import sys
import tarfile
import zlib

outside = sys.argv[3] if len(sys.argv) > 3 else "/nowhere"
kinds = {}


def kind(f):
    kinds[f.__name__.replace("_", "-")] = f
    return f


def entry(name, type=tarfile.REGTYPE, data=b"", mode=0o644, link="", **more):
    t = tarfile.TarInfo(name)
    t.type, t.mode, t.linkname = type, mode, link
    t.size = len(data) if type == tarfile.REGTYPE else 0
    for key, value in more.items():
        setattr(t, key, value)
    return t, data


def folder(name, mode=0o755, **more):
    return entry(name, tarfile.DIRTYPE, mode=mode, **more)


def link(name, target):
    return entry(name, tarfile.SYMTYPE, link=target, mode=0o777)


def hard(name, target):
    return entry(name, tarfile.LNKTYPE, link=target)


def root():
    return [folder("usr"), folder("bin"), entry("bin/tool", data=b"tool\n", mode=0o755), link("bin/sh", "tool"),
            folder("etc"), entry("etc/hello", data=b"hello\n")]


def tar(entries, format=tarfile.GNU_FORMAT, end=True):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format, errors="surrogateescape") as t:
        for info, data in entries:
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def checksum(block):
    block = bytearray(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def raw(name, typeflag=b"0", data=b"", size=None, mode=0o644):
    """A header as it stands, with any size field."""
    size = b"%011o\0" % len(data) if size is None else size
    block = (name.ljust(100, b"\0") + b"%07o\0" % mode + b"0000000\0" * 2 + size + b"00000000000\0" + b" " * 8 + typeflag +
             b"\0" * 100 + b"ustar\x0000" + b"\0" * 247)
    return checksum(block[:512]) + data + b"\0" * (-len(data) % 512)


def pax(records, name=b"etc/x", data=b"", size=None):
    """A pax header with these records, (key, value) in bytes, then the file."""
    text = b""
    for key, value in records:
        n = len(key) + len(value) + 3
        while len(b"%d" % n) + len(key) + len(value) + 3 != n:
            n = len(b"%d" % n) + len(key) + len(value) + 3
        text += b"%d %s=%s\n" % (n, key, value)
    return raw(b"pax", b"x", text) + raw(name, b"0", data, size)


def with_raw(more):
    """The root, then these bytes, then the end."""
    body = tar(root())
    return body.rstrip(b"\0").ljust((len(body.rstrip(b"\0")) + 511) // 512 * 512, b"\0") + more + b"\0" * 1024


@kind
def good():
    return tar(root() + [entry("etc/fine", data=b"fine\n")])


@kind
def absolute():
    return tar(root() + [entry(outside + "/canary", data=b"pwned\n"), entry("/etc/absolute", data=b"inside\n")])


@kind
def dotdot():
    return tar(root() + [entry("../" * 12 + outside.lstrip("/") + "/canary", data=b"pwned\n")])


@kind
def dotdot_inside():
    return tar(root() + [entry("etc/../../../../x", data=b"pwned\n")])


@kind
def link_out():
    return tar(root() + [link("out", outside), entry("out/canary", data=b"pwned\n")])


@kind
def link_out_relative():
    return tar(root() + [link("out", "../" * 12 + outside.lstrip("/")), entry("out/canary", data=b"pwned\n")])


@kind
def link_replaces_folder():
    return tar(root() + [folder("d"), entry("d/a", data=b"a"), link("d", outside), entry("d/canary", data=b"pwned\n")])


@kind
def link_is_file():
    # the file is a new one in the link's place; what the link leads to stays
    return tar(root() + [link("etc/f", outside + "/canary"), entry("etc/f", data=b"pwned\n")])


@kind
def folder_over_link():
    return tar(root() + [link("out", outside), folder("out", mode=0o777), entry("out/canary", data=b"inside\n")])


@kind
def hard_out():
    return tar(root() + [hard("etc/h", outside + "/canary"), entry("etc/h", data=b"pwned\n")])


@kind
def hard_out_dotdot():
    return tar(root() + [hard("etc/h", "../" * 12 + outside.lstrip("/") + "/canary")])


@kind
def hard_through_link():
    return tar(root() + [link("out", outside), hard("etc/h", "out/canary"), entry("etc/h", data=b"pwned\n")])


@kind
def hard_to_link():
    return tar(root() + [link("out", outside + "/canary"), hard("etc/h", "out"), entry("etc/h", data=b"pwned\n")])


@kind
def hard_to_folder():
    return tar(root() + [hard("etc/h", "usr")])


@kind
def hard_to_nothing():
    return tar(root() + [hard("etc/h", "etc/later"), entry("etc/later")])


@kind
def hard_to_itself():
    return tar(root() + [hard("etc/hello", "etc/hello")])


@kind
def devices():
    return tar(root() + [entry("etc/null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
                         entry("etc/disk", tarfile.BLKTYPE, devmajor=8, devminor=0, mode=0o666),
                         entry("etc/whiteout", tarfile.CHRTYPE, devmajor=0, devminor=0, mode=0),
                         entry("etc/pipe", tarfile.FIFOTYPE)])


@kind
def set_id():
    return tar(root() + [entry("bin/su", data=b"su\n", mode=0o6755), folder("etc/g", mode=0o2775), folder("tmp", mode=0o1777)])


@kind
def no_rights():
    return tar(root() + [entry("etc/secret", data=b"secret\n", mode=0), folder("etc/closed", mode=0), entry("etc/closed/in", data=b"in\n")])


@kind
def not_utf8():
    return tar(root() + [entry("etc/\udcff\udcfe", data=b"x"), link("etc/l\udc80", "\udcff\udcfe")])


@kind
def not_utf8_pax():
    return with_raw(pax([(b"hdrcharset", b"BINARY"), (b"path", b"etc/\xff\xfe")], data=b"x"))


@kind
def normal_forms():
    # one letter, spelled in two ways: two names
    return tar(root() + [entry("etc/e\u0301", data=b"1"), entry("etc/\u00e9", data=b"2"), link("etc/l", "e\u0301")], tarfile.PAX_FORMAT)


@kind
def not_utf8_raw_pax():
    # as Go's archive/tar writes it
    return with_raw(pax([(b"path", b"etc/\xff\xfe")], data=b"x"))


@kind
def name_300():
    return tar(root() + [entry("etc/" + "n" * 300, data=b"x")])


@kind
def path_5000():
    return tar(root() + [entry("p/" + "/".join(["d" * 200] * 25), data=b"x")])


@kind
def depth_300():
    return tar(root() + [entry("/".join(["d"] * 300), data=b"x")])


@kind
def folders_implied():
    # no entry speaks of the folders: 4,000 of them, out of 20 names
    return gzip.compress(tar(root() + [entry("b/%d/" % i + "/".join(["d"] * 200) + "/f", data=b"x") for i in range(20)]), 9)


def without_end(data):
    return data.rstrip(b"\0").ljust((len(data.rstrip(b"\0")) + 511) // 512 * 512, b"\0")


@kind
def no_end():
    # cut between two entries
    return without_end(tar(root()))


@kind
def no_end_gzip():
    return gzip.compress(no_end(), 6)


@kind
def no_end_empty_file():
    # the last entry is a header alone
    return without_end(tar(root() + [entry("etc/empty")]))


@kind
def one_zero_block():
    return no_end() + bytes(512)


@kind
def xz_dictionary():
    """A .tar.xz whose header says that it takes 4 GiB of memory to unpack."""
    data = bytearray(lzma.compress(tar(root())))
    size = (data[12] + 1) * 4  # of the block's header: size, flags, 0x21, 1, dictionary, padding, CRC
    assert data[13:16] == b"\0\x21\1", data[:32]
    data[16] = 40
    data[12 + size - 4:12 + size] = zlib.crc32(bytes(data[12:12 + size - 4])).to_bytes(4, "little")
    return bytes(data)


@kind
def depth_200():
    return tar(root() + [entry("/".join(["d"] * 200), data=b"x")])


@kind
def twice():
    return tar(root() + [entry("etc/hello", data=b"second\n"), link("bin/sh", "other"), folder("etc", mode=0o700)])


@kind
def file_then_folder():
    return tar(root() + [entry("x", data=b"x"), folder("x"), entry("x/y", data=b"y")])


@kind
def file_as_parent():
    return tar(root() + [entry("x", data=b"x"), entry("x/y", data=b"y")])


@kind
def folder_then_file():
    return tar(root() + [folder("x"), entry("x/y", data=b"y"), entry("x", data=b"x")])


@kind
def whiteout_of_nothing():
    return tar(root() + [entry("etc/.wh.nothing"), entry("usr/.wh..wh..opq"), entry(".wh..wh.plnk"), entry("none/.wh.x")])


@kind
def whiteout_dot():
    return tar(root() + [entry("etc/.wh..")])


@kind
def whiteout_dotdot():
    return tar(root() + [entry("etc/.wh...")])


@kind
def whiteout_empty():
    return tar(root() + [entry("etc/.wh.")])


@kind
def below_whiteout():
    return tar(root() + [entry("etc/.wh.x/y", data=b"y")])


@kind
def cases():
    return tar(root() + [entry("etc/Name", data=b"1"), entry("etc/name", data=b"2"), entry("etc/NAME", data=b"3")])


@kind
def truncated():
    return good()[:2000]


@kind
def truncated_data():
    body = tar(root() + [entry("etc/big", data=b"b" * 100000)])
    return body[:len(body) - 60000]


@kind
def pax_nul():
    return with_raw(pax([(b"path", b"etc/nul\0/../../../x")], data=b"x"))


@kind
def pax_dotdot():
    return with_raw(pax([(b"path", b"../" * 12 + outside.lstrip("/").encode() + b"/canary")], data=b"pwned\n"))


@kind
def pax_link_dotdot():
    return with_raw(pax([(b"linkpath", outside.encode() + b"/canary")], name=b"etc/x"))


@kind
def pax_size():
    return with_raw(pax([(b"size", b"99999999999999999999")], data=b"x"))


@kind
def pax_size_negative():
    return with_raw(pax([(b"size", b"-1")], data=b"x"))


@kind
def size_negative():
    return with_raw(raw(b"etc/x", b"0", b"", b"\xff" * 12))


@kind
def size_huge():
    return with_raw(raw(b"etc/x", b"0", b"", b"\x80" + (1 << 62).to_bytes(11, "big")))


@kind
def sparse_beyond():
    # a map that goes behind the size which the file is said to have
    data = b"1\n1000000\n512\n".ljust(512, b"\0") + b"s" * 512
    return with_raw(pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"etc/sparse"),
                         (b"GNU.sparse.realsize", b"1000")], data=data))


@kind
def sparse_good():
    data = b"1\n1000000\n512\n".ljust(512, b"\0") + b"s" * 512
    return with_raw(pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"etc/sparse"),
                         (b"GNU.sparse.realsize", b"1000512")], data=data))


@kind
def sparse_huge():
    data = b"1\n0\n512\n".ljust(512, b"\0") + b"s" * 512
    return with_raw(pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"etc/sparse"),
                         (b"GNU.sparse.realsize", b"%d" % (1 << 60))], data=data))


@kind
def sparse_name_dotdot():
    data = b"1\n0\n512\n".ljust(512, b"\0") + b"s" * 512
    return with_raw(pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"),
                         (b"GNU.sparse.name", b"../../../x"), (b"GNU.sparse.realsize", b"512")], data=data))


@kind
def attributes():
    # a folder that would be opaque, a file that would be another's metadata, capabilities, an access list
    t = tar(root() + [folder("etc/o", pax_headers={"SCHILY.xattr.user.overlay.opaque": "y",
                                                   "LIBARCHIVE.xattr.user.overlay.redirect": "L2V0Yw=="}),
                      entry("etc/m", data=b"m\n", pax_headers={"SCHILY.xattr.user.overlay.metacopy": "",
                                                               "SCHILY.xattr.security.capability": "x" * 20,
                                                               "SCHILY.xattr.user.mine": "kept?",
                                                               "SCHILY.acl.access": "user::rw-,user:0:rwx,group::r--,mask::rwx,other::r--"})],
            tarfile.PAX_FORMAT)
    return t


@kind
def top_is_link():
    return tar([link(".", outside)] + root())


@kind
def top_is_file():
    return tar([entry("./", data=b"x")] + root())


@kind
def link_empty():
    return with_raw(raw(b"etc/l", b"2"))


@kind
def odd_type():
    return with_raw(raw(b"etc/odd", b"Z", b"data"))


@kind
def empty():
    return tar([])


@kind
def no_root():
    return tar([entry("readme", data=b"no root\n")])


@kind
def many():
    return gzip.compress(tar(root() + [entry("etc/%d" % i) for i in range(100000)]), 1)


@kind
def zeros():
    return gzip.compress(tar(root() + [entry("etc/zeros", data=bytes(200 << 20))]), 1)


# --- container images ---------------------------------------------------------------------------------------------------

def blob(files, data):
    digest = hashlib.sha256(data).hexdigest()
    files["blobs/sha256/" + digest] = data
    return digest


def document(o):
    return json.dumps(o).encode()


def layout(layers, config=None, manifest=None, index=None, squeeze=lambda data: data, media="tar"):
    """The files of an OCI layout of these layers, each a list of entries."""
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    described, diffs = [], []
    for entries in layers:
        plain = tar(entries)
        packed = squeeze(plain)
        diffs.append("sha256:" + hashlib.sha256(plain).hexdigest())
        described.append({"mediaType": "application/vnd.oci.image.layer.v1." + media, "digest": "sha256:" + blob(files, packed),
                          "size": len(packed)})
    about = {"os": "linux", "config": {"Env": ["PATH=/x", "GREETING=hello"]}, "rootfs": {"type": "layers", "diff_ids": diffs}}
    about.update(config or {})
    text = document(about)
    top = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": described,
           "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:" + blob(files, text), "size": len(text)}}
    top.update(manifest or {})
    text = document(top)
    here = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + blob(files, text), "size": len(text)}
    files["index.json"] = document(index(here, files)) if index else document({"schemaVersion": 2, "manifests": [here]})
    return files


def pack(files):
    return tar([entry(name, data=data) for name, data in files.items()])


second = [entry("etc/.wh.hello"), entry("etc/second", data=b"second\n"), folder("usr"), entry("usr/.wh..wh..opq")]


@kind
def oci():
    return pack(layout([root() + [entry("usr/old", data=b"old\n")], second]))


@kind
def oci_twins():
    # the second layer and the fourth are one
    return pack(layout([root(), [entry("etc/x", data=b"x")], [entry("etc/.wh.x"), entry("etc/y", data=b"y")], [entry("etc/x", data=b"x")]]))


@kind
def oci_opaque_anywhere():
    # as a build leaves it: a folder in a file's place, a new one, and one in that
    marks = [entry(name + "/.wh..wh..opq") for name in ("etc/hello", "new", "new/in")]
    return pack(layout([root(), [folder("etc/hello"), folder("new"), folder("new/in"), entry("etc/hello/f")] + marks]))


@kind
def oci_no_end():
    # its digest says that nothing is missing
    return pack(layout([root()], squeeze=without_end))


@kind
def oci_cut():
    return without_end(pack(layout([root()])))


@kind
def oci_variables():
    return pack(layout([root()], config={"config": {"Env": ["SLASH=C:\\n\\x41", "LETTERS=gr\u00fc\u202e\u009b\\"]}}))


@kind
def docker_none():
    return pack({"manifest.json": b"[]"})


@kind
def oci_gzip():
    return pack(layout([root() + [entry("usr/old", data=b"old\n")], second], squeeze=lambda d: gzip.compress(d, 6, mtime=0), media="tar+gzip"))


@kind
def oci_opaque_root():
    return pack(layout([[folder("old"), entry("old/x", data=b"x")], root() + [entry(".wh..wh..opq")]]))


@kind
def oci_whiteout_of_nothing():
    return pack(layout([root(), [entry("etc/.wh.nothing"), entry("never/.wh..wh..opq"), entry("etc/second", data=b"2")]]))


@kind
def oci_link_across():
    # the lower layer's link must not lead the upper layer's file anywhere
    return pack(layout([root() + [link("out", outside)], [entry("out/canary", data=b"inside\n")]]))


@kind
def oci_hard_across():
    return pack(layout([root(), [hard("etc/h", "etc/hello")]]))


def changed(files, name, change):
    files[name] = change(files[name])
    return files


@kind
def oci_layer_changed():
    files = layout([root()])
    name = max((n for n in files if n.startswith("blobs/")), key=lambda n: len(files[n]))
    return pack(changed(files, name, lambda d: d.replace(b"hello\n", b"HELLO\n")))


@kind
def oci_config_changed():
    files = layout([root()])
    name = next(n for n in files if b"GREETING=hello" in files[n])
    return pack(changed(files, name, lambda d: d.replace(b"GREETING=hello", b"GREETING=HELLO")))


@kind
def oci_layer_longer():
    files = layout([root()])
    name = max((n for n in files if n.startswith("blobs/")), key=lambda n: len(files[n]))
    return pack(changed(files, name, lambda d: d + b"\0" * 512))


@kind
def oci_layer_missing():
    files = layout([root()])
    del files[max((n for n in files if n.startswith("blobs/")), key=lambda n: len(files[n]))]
    return pack(files)


@kind
def oci_double_key():
    files = layout([root()])
    return pack(changed(files, "index.json", lambda d: d.replace(b'"schemaVersion": 2', b'"schemaVersion": 2, "manifests": []')))


@kind
def oci_other_machine():
    return pack(layout([root()], config={"architecture": "vax"}))


def platforms(*names):
    def index(here, files):
        return {"schemaVersion": 2, "manifests": [dict(here, platform={"os": "linux", "architecture": n}) for n in names]}
    return index


@kind
def oci_other_machines():
    return pack(layout([root()], index=platforms("vax", "pdp11")))


@kind
def oci_nested():
    # an index in the index, with this machine's image, another's, and a signature
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)

    def index(here, files):
        other = dict(here, digest="sha256:" + "0" * 64, platform={"os": "linux", "architecture": "vax"})
        signature = dict(here, digest="sha256:" + "1" * 64, platform={"os": "unknown", "architecture": "unknown"})
        text = document({"schemaVersion": 2, "manifests": [other, dict(here, platform={"os": "linux", "architecture": machine}), signature]})
        return {"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json",
                                                   "digest": "sha256:" + blob(files, text), "size": len(text)}]}
    return pack(layout([root()], index=index))


@kind
def oci_loop():
    def index(here, files):
        text = document({"schemaVersion": 2, "manifests": [here]})
        for _ in range(6):
            text = document({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.index.v1+json",
                                                                "digest": "sha256:" + blob(files, text), "size": len(text)}]})
        return json.loads(text)
    return pack(layout([root()], index=index))


def tags(here, files):
    text = document({"a": 1})
    return {"schemaVersion": 2, "manifests": [dict(here, annotations={"org.opencontainers.image.ref.name": "one"}),
                                              {"mediaType": here["mediaType"], "digest": "sha256:" + blob(files, text), "size": len(text),
                                               "annotations": {"org.opencontainers.image.ref.name": "two"}}]}


@kind
def oci_tags():
    return pack(layout([root()], index=tags))


@kind
def oci_digest_path():
    def index(here, files):
        return {"schemaVersion": 2, "manifests": [dict(here, digest="sha256:../../../../../../etc/passwd")]}
    return pack(layout([root()], index=index))


@kind
def oci_sha512():
    def index(here, files):
        return {"schemaVersion": 2, "manifests": [dict(here, digest="sha512:" + "a" * 128)]}
    return pack(layout([root()], index=index))


@kind
def oci_layer_is_link():
    files = layout([root()])
    name = max((n for n in files if n.startswith("blobs/")), key=lambda n: len(files[n]))
    data = files.pop(name)
    open(outside + "/layer", "wb").write(data)
    return tar([entry(n, data=d) for n, d in files.items()] + [link(name, outside + "/layer")])


@kind
def oci_no_layers():
    return pack(layout([]))


@kind
def oci_encrypted():
    return pack(layout([root()], media="tar+encrypted"))


@kind
def oci_json_deep():
    files = layout([root()])
    files["index.json"] = b"[" * 100000
    return pack(files)


def docker(layers, **more):
    files = {}
    about = {"os": "linux", "config": {"Env": ["GREETING=hello"]}, "rootfs": {"type": "layers", "diff_ids": []}}
    names = []
    for i, entries in enumerate(layers):
        data = tar(entries)
        about["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(data).hexdigest())
        names.append("%d/layer.tar" % i)
        files[names[-1]] = data
    text = document(about)
    config = hashlib.sha256(text).hexdigest() + ".json"
    files[config] = text
    image = {"Config": config, "RepoTags": ["one:1"], "Layers": names}
    image.update(more)
    files["manifest.json"] = document([image])
    return files


@kind
def docker_good():
    return pack(docker([root() + [entry("usr/old", data=b"old\n")], second]))


@kind
def docker_layer_out():
    return pack(docker([root()], Layers=["../../../../../../etc/passwd"]))


@kind
def docker_layer_link_out():
    files = docker([root()])
    data = files.pop("0/layer.tar")
    open(outside + "/layer", "wb").write(data)
    return tar([entry(n, data=d) for n, d in files.items()] + [folder("0"), link("0/layer.tar", outside + "/layer")])


@kind
def docker_changed():
    return pack(changed(docker([root()]), "0/layer.tar", lambda d: d.replace(b"hello\n", b"HELLO\n")))


@kind
def docker_fifo():
    files = docker([root()])
    return tar([entry(n, data=d) for n, d in files.items() if n != "0/layer.tar"] + [entry("0/layer.tar", tarfile.FIFOTYPE)])


if sys.argv[1] == "list":
    print("\n".join(kinds))
else:
    with open(sys.argv[2], "wb") as f:
        f.write(kinds[sys.argv[1]]())
