using Npgsql;
using Polaris.ServiceDefaults.Errors;
using Polaris.ServiceDefaults.Persistence;
using Xunit;

namespace Polaris.Tests.Persistence;

public sealed class StorableTextTests
{
    public static TheoryData<int[], bool> Texts =>
        // UTF-16 units: half a pair does not survive a test's name.
        new()
        {
            { [], true },
            { ['a', 'b'], true },
            { [1, ' ', 0xffff, 0xfffd], true },
            { [0xd83d, 0xde80, ' ', 0xd83d, 0xde80], true },
            { [0], false },
            { ['a', 'b', 0], false },
            { [0xd83d], false },
            { [0xde80], false },
            { [0xd83d, 0xd83d, 0xde80], false },
            { [0xd83d, 0xde80, ' ', 0xde80], false },
        };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Text_is_storable_without_U_0000_and_half_surrogate_pairs(int[] units, bool storable)
    {
        var text = string.Concat(units.Select(unit => (char)unit));
        Assert.Equal(storable, StorableText.IsStorable(text));
        using var command = new NpgsqlCommand("SELECT $1");
        foreach (
            var bind in new Action[]
            {
                () => command.Bind(text),
                () => command.Bind<string[]>(["a", text]),
                () => command.Bind<object>(text),
            }
        )
        {
            if (storable)
                bind();
            else
                Assert.Equal(StorableText.Code, Assert.Throws<RefusedException>(bind).Refusal.Code);
        }
    }
}
