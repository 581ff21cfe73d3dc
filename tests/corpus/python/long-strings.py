import textwrap
SQL = r"""select 'import x' from "t" where a = \" """
RAW = rb'\x00\'' + b"import torch"
import nltk
print(textwrap.dedent(SQL), RAW, nltk)
