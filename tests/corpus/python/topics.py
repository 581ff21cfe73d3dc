from gensim import corpora, models
import json, sys

docs = [line.split() for line in sys.stdin]
d = corpora.Dictionary(docs)
lda = models.LdaModel([d.doc2bow(t) for t in docs], num_topics=3, id2word=d)
json.dump([str(t) for t in lda.print_topics()], sys.stdout)
