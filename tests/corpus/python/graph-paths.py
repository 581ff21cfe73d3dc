import networkx as nx

g = nx.erdos_renyi_graph(20, 0.2, seed=1)
print(nx.average_shortest_path_length(g) if nx.is_connected(g) else "not connected")
