namespace Polaris.Billing.Features;

/// <summary>A field of an edit: stated (null clears it), or, by default, left as it is.</summary>
public readonly record struct Change<T>(T Value, bool IsStated = true)
{
    public T Over(T current) => IsStated ? Value : current;
}
