using GraphQLParser.AST;
using GraphQLParser.Visitors;

namespace Polaris.Gateway.Composition;

internal static class AstText
{
    private static readonly SDLPrinter Printer = new(new SDLPrinterOptions { PrintComments = false });

    /// <summary>The node as GraphQL text.</summary>
    public static string Print(this ASTNode node)
    {
        using var text = new StringWriter();
        Printer.PrintAsync(node, text).AsTask().GetAwaiter().GetResult();
        return text.ToString();
    }
}
