/* Doubles as text and back. */
#include <math.h>
#include "expr/value.h"

/*
 * The fewest significant digits that read back as the same double, and the decimal exponent of the first:
 * 1234.5 gives "12345" and 3. Returns how many digits. Finite, non-zero, positive numbers only.
 */
static int shortest_digits(double number, char digits[20], int *ret_exponent)
{
	char text[40];
	int precision;

	/* 15 digits hold whatever people write, 17 hold any double; numbers next to zero have fewer. */
	for (precision = number < 0x1p-1022 ? 1 : 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision - 1, number);
		if (strtod(text, NULL) == number)
			break;
	}
	char *exponent = strchr(text, 'e');
	int count = 0;

	*ret_exponent = atoi(exponent + 1);
	for (const char *c = text; c < exponent; c++)
		if (*c != '.')
			digits[count++] = *c;
	while (count > 1 && digits[count - 1] == '0')
		count--;
	return count;
}

static size_t write_special(double number, char *text)
{
	const char *name = isnan(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";

	strcpy(text, name);
	return strlen(name);
}

size_t trib_double_format(double number, char text[40])
{
	char digits[20], *next = text;
	int exponent;

	if (!isfinite(number))
		return write_special(number, text);
	if (signbit(number))
		*next++ = '-';
	if (number == 0) {
		*next++ = '0';
		*next = '\0';
		return (size_t)(next - text);
	}
	int count = shortest_digits(fabs(number), digits, &exponent);

	if (exponent >= -4 && exponent < 6) {
		char plain[400];
		size_t size = trib_double_format_plain(number, plain);

		memcpy(text, plain, size + 1);
		return size;
	}
	*next++ = digits[0];
	if (count > 1) {
		*next++ = '.';
		memcpy(next, digits + 1, (size_t)count - 1);
		next += count - 1;
	}
	next += sprintf(next, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
	return (size_t)(next - text);
}

static char *add_zeros(char *next, int count)
{
	for (int i = 0; i < count; i++)
		*next++ = '0';
	return next;
}

size_t trib_double_format_plain(double number, char text[400])
{
	char digits[20] = "0", *next = text;
	int exponent = 0, count = 1;

	if (!isfinite(number))
		return write_special(number, text);
	if (signbit(number))
		*next++ = '-';
	if (number != 0)
		count = shortest_digits(fabs(number), digits, &exponent);
	int before_point = TRIB_MIN(TRIB_MAX(exponent + 1, 0), count);

	memcpy(next, digits, (size_t)before_point);
	next = add_zeros(next + before_point, exponent + 1 - before_point);
	if (exponent < 0)
		*next++ = '0';
	if (before_point < count) {
		*next++ = '.';
		next = add_zeros(next, -1 - exponent);
		memcpy(next, digits + before_point, (size_t)(count - before_point));
		next += count - before_point;
	}
	*next = '\0';
	return (size_t)(next - text);
}

static bool is_special(struct trib_bytes text, double *ret_number)
{
	bool negative = text.size > 0 && text.data[0] == '-';
	size_t sign = text.size > 0 && (text.data[0] == '-' || text.data[0] == '+');
	struct trib_bytes rest = trib_bytes(text.data + sign, text.size - sign);
	char lower[16] = "";

	if (rest.size == 0 || rest.size >= sizeof(lower))
		return false;
	for (size_t i = 0; i < rest.size; i++)
		lower[i] = rest.data[i] >= 'A' && rest.data[i] <= 'Z' ? (char)(rest.data[i] + 32)
								      : rest.data[i];
	if (!strcmp(lower, "nan") && !sign)
		*ret_number = NAN;
	else if (!strcmp(lower, "inf") || !strcmp(lower, "infinity"))
		*ret_number = negative ? -INFINITY : INFINITY;
	else
		return false;
	return true;
}

bool trib_double_parse(struct trib_bytes text, double *ret_number)
{
	size_t digits = 0, next = 0;
	bool point = false;

	if (is_special(text, ret_number))
		return true;
	if (next < text.size && (text.data[next] == '-' || text.data[next] == '+'))
		next++;
	for (; next < text.size; next++) {
		if (text.data[next] >= '0' && text.data[next] <= '9')
			digits++;
		else if (text.data[next] == '.' && !point)
			point = true;
		else
			break;
	}
	if (digits == 0)
		return false;
	if (next < text.size && (text.data[next] == 'e' || text.data[next] == 'E')) {
		next++;
		if (next < text.size && (text.data[next] == '-' || text.data[next] == '+'))
			next++;
		size_t first = next;

		while (next < text.size && text.data[next] >= '0' && text.data[next] <= '9')
			next++;
		if (next == first)
			return false;
	}
	if (next != text.size || text.size > 1000)
		return false;
	char copy[1001];

	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	double number = strtod(copy, NULL);

	if (isinf(number))
		return false;
	*ret_number = number;
	return true;
}
