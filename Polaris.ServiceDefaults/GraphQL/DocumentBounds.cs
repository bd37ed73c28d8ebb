using GraphQLParser;
using GraphQLParser.AST;
using GraphQLParser.Exceptions;

namespace Polaris.ServiceDefaults.GraphQL;

/// <summary>
/// Reads a document in bounded time and stack: first its tokens one by one, without recursion, then the tree, whose depth they bound.
/// </summary>
public static class DocumentBounds
{
    /// <summary>Nodes that the parser may nest: an object in an object is two, a selection in a selection three.</summary>
    private const int NodesPerBracket = 4;

    /// <exception cref="RequestError">The document is not GraphQL, exceeds a limit, or has a string that no database stores.</exception>
    public static GraphQLDocument Parse(string text, GraphQLLimits limits)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(limits);
        if (text.Length > limits.MaxCharacters)
            throw RequestError.Limit(
                nameof(limits.MaxCharacters),
                limits.MaxCharacters,
                $"The document may have at most {limits.MaxCharacters} characters"
            );
        if (!IsStorable(text))
            throw RequestError.Text("query", text);
        try
        {
            CheckTokens(text, limits);
            var document = Parser.Parse(text, new ParserOptions { MaxDepth = (limits.MaxNesting + 1) * NodesPerBracket });
            DocumentMeasure.Check(document, limits);
            return document;
        }
        catch (GraphQLSyntaxErrorException exception)
        {
            throw RequestError.Syntax(exception.Description).At(exception.Location);
        }
        catch (GraphQLMaxDepthExceededException)
        {
            throw RequestError.Limit(
                nameof(limits.MaxNesting),
                limits.MaxNesting,
                $"The document may have at most {limits.MaxNesting} brackets inside one another"
            );
        }
    }

    /// <summary>Whether PostgreSQL and UTF-8 have a place for all characters: U+0000 and halves of surrogate pairs do not.</summary>
    public static bool IsStorable(ReadOnlySpan<char> text)
    {
        var rest = text;
        for (var at = IndexOfDoubtful(rest); at >= 0; at = IndexOfDoubtful(rest))
        {
            if (!char.IsHighSurrogate(rest[at]) || at + 1 == rest.Length || !char.IsLowSurrogate(rest[at + 1]))
                return false;
            rest = rest[(at + 2)..];
        }

        return true;
    }

    private static int IndexOfDoubtful(ReadOnlySpan<char> text)
    {
        var surrogate = text.IndexOfAnyInRange('\uD800', '\uDFFF');
        var zero = (surrogate < 0 ? text : text[..surrogate]).IndexOf('\0');
        return zero < 0 ? surrogate : zero;
    }

    private static void CheckTokens(ROM text, GraphQLLimits limits)
    {
        var (count, nesting) = (0, 0);
        for (var token = Lexer.Lex(text); token.Kind != TokenKind.EOF; token = Lexer.Lex(text, token.End))
        {
            if (++count > limits.MaxTokens)
                throw RequestError.Limit(
                    nameof(limits.MaxTokens),
                    limits.MaxTokens,
                    $"The document may have at most {limits.MaxTokens} tokens"
                );
            switch (token.Kind)
            {
                case TokenKind.BRACE_L or TokenKind.BRACKET_L or TokenKind.PAREN_L when ++nesting > limits.MaxNesting:
                    throw RequestError
                        .Limit(
                            nameof(limits.MaxNesting),
                            limits.MaxNesting,
                            $"The document may have at most {limits.MaxNesting} brackets inside one another"
                        )
                        .At(text, token.Start);
                case TokenKind.BRACE_R or TokenKind.BRACKET_R or TokenKind.PAREN_R:
                    nesting--;
                    break;
                case TokenKind.NAME when token.Value.Length > limits.MaxNameLength:
                    throw RequestError
                        .Limit(
                            nameof(limits.MaxNameLength),
                            limits.MaxNameLength,
                            $"A name may have at most {limits.MaxNameLength} characters"
                        )
                        .At(text, token.Start);
                case TokenKind.INT or TokenKind.FLOAT when token.Value.Length > limits.MaxNumberLength:
                    throw RequestError
                        .Limit(
                            nameof(limits.MaxNumberLength),
                            limits.MaxNumberLength,
                            $"A number may have at most {limits.MaxNumberLength} characters"
                        )
                        .At(text, token.Start);
                case TokenKind.STRING when !IsStorable(token.Value.Span):
                    throw RequestError.Text("query", token.Value.ToString()).At(text, token.Start);
                default:
                    break;
            }
        }
    }
}
