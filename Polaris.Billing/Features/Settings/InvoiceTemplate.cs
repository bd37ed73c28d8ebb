using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Fluid;
using Fluid.Ast;
using Polaris.ServiceDefaults.Errors;

namespace Polaris.Billing.Features.Settings;

/// <summary>
/// An org's own template of its invoices' pages, in Liquid. It can show what the built-in one shows, and nothing grows within it: there
/// are no variables and no ranges, and filters that multiply a text are left out. So its cost is bounded by its length, its nested loops,
/// and by the steps and characters that rendering stops at.
/// </summary>
internal static partial class InvoiceTemplate
{
    /// <summary>Characters.</summary>
    public const int MaxLength = 65_536;

    /// <summary>Loops within each other: lines, and the steps of a line.</summary>
    public const int MaxNestedLoops = 2;

    private static readonly FluidParser Parser = new();

    private static readonly HashSet<string> Filters =
    [
        "capitalize",
        "default",
        "downcase",
        "first",
        "last",
        "minus",
        "plus",
        "size",
        "slice",
        "strip",
        "truncate",
        "upcase",
    ];

    private static readonly HashSet<string> Tags =
    [
        "if",
        "elsif",
        "else",
        "endif",
        "unless",
        "endunless",
        "case",
        "when",
        "endcase",
        "for",
        "endfor",
        "break",
        "continue",
        "comment",
        "endcomment",
        "raw",
        "endraw",
    ];

    private static readonly HashSet<string> Nodes =
    [
        "TextSpanStatement",
        "OutputStatement",
        "IfStatement",
        "ElseIfStatement",
        "ElseStatement",
        "UnlessStatement",
        "CaseStatement",
        "WhenStatement",
        "ForStatement",
        "BreakStatement",
        "ContinueStatement",
        "CommentStatement",
        "NoOpStatement",
        "RawStatement",
    ];

    private static readonly HashSet<string> Expressions =
    [
        "LiteralExpression",
        "MemberExpression",
        "FilterExpression",
        "AndBinaryExpression",
        "OrBinaryExpression",
        "EqualBinaryExpression",
        "NotEqualBinaryExpression",
        "GreaterThanBinaryExpression",
        "LowerThanBinaryExpression",
        "ContainsBinaryExpression",
        "StartsWithBinaryExpression",
        "EndsWithBinaryExpression",
    ];

    /// <summary>Null, or one that may be stored.</summary>
    /// <exception cref="RefusedException">It is too long, cannot be read, or uses what no template may.</exception>
    public static string? Check(string path, string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
            return null;
        if (text.Length > MaxLength)
            throw new RefusedException(Refusal.Invalid(path, "too_long", $"A template has at most {MaxLength} characters."));
        return TryRead(text, out _, out var why) ? text : throw new RefusedException(Refusal.Invalid(path, "invalid_template", why));
    }

    /// <summary>Whether the text is a template that may be rendered.</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out IFluidTemplate? template, [NotNullWhen(false)] out string? why)
    {
        template = null;
        if (text.Contains('\0', StringComparison.Ordinal))
            why = "A template must not hold the character U+0000.";
        else if (Active().Match(text) is { Success: true } active)
            why = $"'{active.Value}' is refused: the page of an invoice runs, fetches and sends nothing.";
        else if (Tag().Matches(text).Select(tag => tag.Groups["name"].Value).FirstOrDefault(name => !Tags.Contains(name)) is { } refused)
            why = $"The tag '{refused}' is refused; there are {string.Join(", ", Tags.Where(IsOpening).Order())}.";
        else if (Range().IsMatch(text))
            why = "Ranges such as (1..9) are refused.";
        else if (!Parser.TryParse(text, out var read, out var error))
            why = $"The template cannot be read: {error}";
        else
        {
            var rules = new Rules();
            rules.VisitTemplate(read);
            why = rules.Broken;
            template = why is null ? read : null;
        }

        return template is not null;
    }

    private static bool IsOpening(string tag) => !tag.StartsWith("end", StringComparison.Ordinal);

    /// <summary>What a browser would be kept from by the page's policy anyway, said when it is stored.</summary>
    [GeneratedRegex(@"<\s*(script|iframe|frame|object|embed|applet|base|form|link|meta[^>]*http-equiv)\b", RegexOptions.IgnoreCase, 1_000)]
    private static partial Regex Active();

    [GeneratedRegex(@"\{%-?\s*(?<name>[^\s%}-]*)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Tag();

    [GeneratedRegex(@"\{[{%][^{}]*\.\.[^{}]*[%}]\}", RegexOptions.None, 1_000)]
    private static partial Regex Range();

    /// <summary>Every statement, expression and filter is one that is known to be harmless.</summary>
    private sealed class Rules : AstVisitor
    {
        private int loops;

        public string? Broken { get; private set; }

        public override Statement Visit(Statement statement)
        {
            // A condition without an alternative has none to visit.
            if (statement is null)
                return null!;
            var kind = statement.GetType().Name;
            if (!Nodes.Contains(kind))
                return Refuse(statement, $"The tag {Name(kind, "Statement")} is refused.");
            if (statement is not ForStatement)
                return base.Visit(statement);
            if (++loops > MaxNestedLoops)
                Refuse(statement, $"At most {MaxNestedLoops} loops may be within each other.");
            var visited = base.Visit(statement);
            loops--;
            return visited;
        }

        public override Expression Visit(Expression expression)
        {
            if (expression is null)
                return null!;
            var kind = expression.GetType().Name;
            if (!Expressions.Contains(kind))
                return Refuse(expression, $"The expression {Name(kind, "Expression")} is refused.");
            if (expression is FilterExpression filter && !Filters.Contains(filter.Name))
                return Refuse(expression, $"The filter '{filter.Name}' is refused; there are {string.Join(", ", Filters.Order())}.");
            return base.Visit(expression);
        }

        private T Refuse<T>(T node, string why)
        {
            Broken ??= why;
            return node;
        }

        private static string Name(string kind, string suffix) => $"'{kind.Replace(suffix, "", StringComparison.Ordinal)}'";
    }
}
