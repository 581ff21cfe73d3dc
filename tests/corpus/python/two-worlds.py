import torch
import nltk

print(torch, nltk)
