/* SPDX-License-Identifier: MIT */
/* Names of packages and what is imported then, where the two differ. The table is sorted. */
#include <errno.h>
#include <stdlib.h>

#include "image/imports-internal.h"

static const struct differing {
	const char *package, *module;
} differing[] = {
	{ "antlr4-python3-runtime", "antlr4" },
	{ "attrs", "attr" },
	{ "azure-identity", "azure" },
	{ "azure-storage-blob", "azure" },
	{ "beautifulsoup4", "bs4" },
	{ "biopython", "Bio" },
	{ "discord-py", "discord" },
	{ "dnspython", "dns" },
	{ "docopt-ng", "docopt" },
	{ "faiss-cpu", "faiss" },
	{ "faiss-gpu", "faiss" },
	{ "fonttools", "fontTools" },
	{ "gdal", "osgeo" },
	{ "gitpython", "git" },
	{ "google-api-python-client", "googleapiclient" },
	{ "google-auth", "google" },
	{ "google-cloud-storage", "google" },
	{ "grpcio", "grpc" },
	{ "ipython", "IPython" },
	{ "levenshtein", "Levenshtein" },
	{ "markdown-it-py", "markdown_it" },
	{ "msgpack-python", "msgpack" },
	{ "mysql-connector-python", "mysql" },
	{ "mysqlclient", "MySQLdb" },
	{ "opencv-contrib-python", "cv2" },
	{ "opencv-contrib-python-headless", "cv2" },
	{ "opencv-python", "cv2" },
	{ "opencv-python-headless", "cv2" },
	{ "paho-mqtt", "paho" },
	{ "pillow", "PIL" },
	{ "pillow-simd", "PIL" },
	{ "protobuf", "google" },
	{ "psycopg2-binary", "psycopg2" },
	{ "py-cpuinfo", "cpuinfo" },
	{ "pycrypto", "Crypto" },
	{ "pycryptodome", "Crypto" },
	{ "pycryptodomex", "Cryptodome" },
	{ "pyfunctional", "functional" },
	{ "pygithub", "github" },
	{ "pygobject", "gi" },
	{ "pyjwt", "jwt" },
	{ "pymupdf", "fitz" },
	{ "pynacl", "nacl" },
	{ "pyopenssl", "OpenSSL" },
	{ "pypdf2", "PyPDF2" },
	{ "pyqt5", "PyQt5" },
	{ "pyqt6", "PyQt6" },
	{ "pyserial", "serial" },
	{ "pyside6", "PySide6" },
	{ "pysocks", "socks" },
	{ "pytelegrambotapi", "telebot" },
	{ "python-dateutil", "dateutil" },
	{ "python-docx", "docx" },
	{ "python-dotenv", "dotenv" },
	{ "python-gitlab", "gitlab" },
	{ "python-jose", "jose" },
	{ "python-levenshtein", "Levenshtein" },
	{ "python-magic", "magic" },
	{ "python-multipart", "multipart" },
	{ "python-pptx", "pptx" },
	{ "python-slugify", "slugify" },
	{ "python-telegram-bot", "telegram" },
	{ "pywavelets", "pywt" },
	{ "pywin32", "win32api" },
	{ "pyyaml", "yaml" },
	{ "pyzmq", "zmq" },
	{ "rdkit-pypi", "rdkit" },
	{ "ruamel-yaml", "ruamel" },
	{ "scikit-image", "skimage" },
	{ "scikit-learn", "sklearn" },
	{ "scikit-optimize", "skopt" },
	{ "simpleitk", "SimpleITK" },
	{ "speechrecognition", "speech_recognition" },
	{ "tensorflow-cpu", "tensorflow" },
	{ "tensorflow-gpu", "tensorflow" },
	{ "umap-learn", "umap" },
	{ "websocket-client", "websocket" },
};

/* PEP 508: letters, digits, '-', '_' and '.', with a letter or digit at either end. */
static size_t name_length(const char *text)
{
	size_t n = 0;

	while (text[n] && (unsigned char)text[n] < 0x80 && (is_name_byte((unsigned char)text[n]) || text[n] == '-' || text[n] == '.'))
		n++;
	while (n > 0 && strchr("-_.", text[n - 1]))
		n--;
	return n > 0 && !strchr("-_.", *text) && n <= SR_MODULE_MAX ? n : 0;
}

/* PEP 503: lower case, each run of '-', '_' and '.' is one '-'. */
int requirement_name(const char *text, char **ret)
{
	char *out;
	size_t n, len = 0;

	*ret = NULL;
	text += strspn(text, " \t");
	n = name_length(text);
	if (n == 0 || (text[n] && !strchr(" \t[(<>=!~;@,", text[n])))
		return 0;
	out = malloc(n + 1);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		char ch = text[i];

		if (strchr("-_.", ch)) {
			if (out[len - 1] != '-')
				out[len++] = '-';
		} else
			out[len++] = (char)(ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : ch);
	}
	out[len] = '\0';
	*ret = out;
	return 0;
}

static int by_package(const void *name, const void *row)
{
	return strcmp(name, ((const struct differing *)row)->package);
}

char *requirement_module(const char *name)
{
	const struct differing *row = bsearch(name, differing, SR_ELEMENTSOF(differing), sizeof(*differing), by_package);
	char *out = strdup(row ? row->module : name);

	for (char *at = row ? NULL : out; at && *at; at++) {
		if (*at == '-')
			*at = '_';
	}
	return out;
}
