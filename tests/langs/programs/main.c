#include <stdio.h>
#include <string.h>

static void copy(const char *prefix, FILE *file)
{
	char line[256];

	while (fgets(line, sizeof(line), file))
		printf("%s%s", prefix, line);
}

int main(int argc, char **argv)
{
	FILE *beside;

	for (int i = 1; i < argc; i++)
		printf("<%s>\n", argv[i]);
	puts("grüße, 世界");
	beside = fopen("beside.txt", "r");
	if (beside)
		copy("beside: ", beside);
	copy("in: ", stdin);
	return 7;
}
