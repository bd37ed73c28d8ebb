namespace Polaris.Identity.Features.Accounts;

/// <summary>
/// The passwords that are guessed first, from a list that password crackers' dictionaries were made into (its source is named in the file).
/// </summary>
internal static class CommonPasswords
{
    private const string Resource = "Polaris.Identity.Features.Accounts.common-passwords.txt";

    /// <summary>The list has no shorter ones.</summary>
    private const int MinListed = 5;

    private static readonly Lazy<HashSet<string>> List = new(Read);

    /// <summary>
    /// Whether the password is on the list, also with other cases, with digits or signs before or after it, or with digits and signs in
    /// place of letters.
    /// </summary>
    public static bool Contains(string password)
    {
        var lower = password.ToLowerInvariant();
        var core = lower.Trim([.. lower.Where(character => !char.IsLetter(character)).Distinct()]);
        var words = Letters(lower);
        return IsListed(lower) || IsListed(core) || IsListed(words) || IsListed(words.Trim([.. words.Where(c => !char.IsLetter(c))]));
    }

    private static bool IsListed(string text) => List.Value.Contains(text) || IsRepeated(text);

    /// <summary>A listed word several times, such as dragondragon.</summary>
    private static bool IsRepeated(string text)
    {
        for (var times = 2; times <= 4; times++)
        {
            if (text.Length % times != 0 || text.Length / times < MinListed)
                continue;
            var part = text[..(text.Length / times)];
            if (string.Concat(Enumerable.Repeat(part, times)) == text && List.Value.Contains(part))
                return true;
        }

        return false;
    }

    private static string Letters(string text) =>
        string.Concat(
            text.Select(character =>
                character switch
                {
                    '0' => 'o',
                    '1' or '!' => 'i',
                    '3' => 'e',
                    '4' or '@' => 'a',
                    '5' or '$' => 's',
                    '7' => 't',
                    _ => character,
                }
            )
        );

    private static HashSet<string> Read()
    {
        using var stream =
            typeof(CommonPasswords).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"{Resource} is not in the assembly.");
        using var reader = new StreamReader(stream);
        var list = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            // A comment; no password on the list has a space.
            if (!line.StartsWith("# ", StringComparison.Ordinal))
                list.Add(line);
        }

        return list;
    }
}
