#include <fstream>
#include <iostream>
#include <string>

static void copy(const std::string &prefix, std::istream &from)
{
	for (std::string line; std::getline(from, line);)
		std::cout << prefix << line << '\n';
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		std::cout << '<' << argv[i] << ">\n";
	std::cout << "grüße, 世界\n";
	if (std::ifstream beside("beside.txt"); beside)
		copy("beside: ", beside);
	copy("in: ", std::cin);
	return 7;
}
