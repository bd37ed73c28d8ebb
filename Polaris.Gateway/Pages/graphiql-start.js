// With the dashboard's session, if there is one: a page of this site says so by the header. A key or token goes into the editor of headers
// and is used instead.
const fetcher = GraphiQL.createFetcher({ url: '/graphql', headers: { 'Polaris-Session': '1' } });
ReactDOM.createRoot(document.getElementById('graphiql')).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultEditorToolsVisibility: 'headers',
    // What is typed there may be a secret: it ends with the page.
    shouldPersistHeaders: false,
    defaultQuery: '{\n  organizations {\n    id\n    name\n  }\n}\n',
  }),
);
