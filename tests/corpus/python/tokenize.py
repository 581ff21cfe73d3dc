import nltk
from nltk.tokenize import word_tokenize

def main():
    text = "The cat sat; the dog stood."
    print(nltk.FreqDist(word_tokenize(text)))

if __name__ == "__main__":
    main()
