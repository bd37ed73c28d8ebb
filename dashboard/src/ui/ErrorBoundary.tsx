import { Component, type ReactNode } from 'react';
import { ErrorNote } from './states';

/** Catches a page's rendering errors, a part of the application that could not be loaded too, so that the navigation stays usable. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render() {
    const { error } = this.state;
    return error ? <ErrorNote error={error} onRetry={() => this.setState({ error: null })} /> : this.props.children;
  }
}
