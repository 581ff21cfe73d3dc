import argparse

def plot(values):
    import matplotlib.pyplot as plt
    plt.plot(values)
    plt.savefig("out.png")

def main():
    p = argparse.ArgumentParser()
    p.add_argument("--plot", action="store_true")
    args = p.parse_args()
    if args.plot:
        plot([1, 2, 3])

main()
