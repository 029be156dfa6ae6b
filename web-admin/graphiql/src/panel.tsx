// The panel of examples: a click opens one in a tab of its own.
import { type GraphiQLPlugin, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { EXAMPLES, type Example, freshVariables, GROUPS } from './examples';
import { idOf } from './session';

export const EXAMPLES_PLUGIN: GraphiQLPlugin = { title: 'Examples', icon: Icon, content: Panel };

/** Opens an example in a tab of its own. What runs is stopped: its answers would arrive in the new tab. */
function useOpen(): (example: Example) => void {
  const { addTab, stop, setVisiblePlugin } = useGraphiQLActions();
  const { queryEditor, variableEditor, headerEditor, responseEditor } = useGraphiQL((state) => ({
    queryEditor: state.queryEditor,
    variableEditor: state.variableEditor,
    headerEditor: state.headerEditor,
    responseEditor: state.responseEditor,
  }));
  return (example) => {
    stop();
    if (queryEditor?.getValue().trim()) addTab();
    queryEditor?.setValue(example.query);
    const variables = freshVariables(example);
    variableEditor?.setValue(variables);
    if (variables.includes('<bob>')) {
      void idOf('bob').then((id) => {
        if (id && variableEditor?.getValue() === variables) variableEditor.setValue(variables.replaceAll('<bob>', id));
      });
    }
    headerEditor?.setValue('');
    responseEditor?.setValue('');
    // On a telephone the panel covers the editors.
    if (matchMedia('(max-width: 700px)').matches) setVisiblePlugin(null);
    queryEditor?.focus();
  };
}

/** Opens the example that the page's address names, once the editors are there. */
export function OpenFromAddress(): null {
  const open = useOpen();
  const isReady = useGraphiQL((state) => Boolean(state.queryEditor && state.variableEditor && state.headerEditor && state.responseEditor));
  const isDone = useRef(false);
  useEffect(() => {
    if (!isReady || isDone.current) return;
    isDone.current = true;
    const name = new URLSearchParams(location.search).get('example');
    const example = EXAMPLES.find((one) => one.name === name);
    if (example) {
      open(example);
      history.replaceState(null, '', location.pathname);
    }
  });
  return null;
}

function Panel() {
  const open = useOpen();
  return (
    <section className="goodgo-examples" aria-label="Examples">
      <div className="graphiql-doc-explorer-title">Examples</div>
      <p>A subscription runs while its tab is in front. To see what a claim does to it, open the claim in a second window (↗).</p>
      {GROUPS.map(([group, examples]) => (
        <div key={group}>
          <h2>{group}</h2>
          <ul>
            {examples.map((example) => (
              <li key={example.name}>
                <button type="button" className="graphiql-un-styled" onClick={() => open(example)}>
                  <span className="title">
                    {example.title} <small>as {example.as}</small>
                  </span>
                  <span className="note">{example.note}</span>
                </button>
                {/* With its opener, the second window begins signed in as this one. */}
                <a href={`?example=${example.name}`} target="_blank" rel="opener" aria-label={`${example.title}: open in a second window`} title="Open in a second window">
                  ↗
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}

function Icon() {
  return (
    <svg height="1em" viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <rect x="2.5" y="2.5" width="15" height="15" rx="2" />
      <path d="M6 7h8M6 10h8M6 13h5" strokeLinecap="round" />
    </svg>
  );
}
