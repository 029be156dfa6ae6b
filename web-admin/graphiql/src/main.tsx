// GraphiQL for partners: documentation, explorer, history, examples, and a bar to sign in with.
import './workers';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { GraphiQL } from 'graphiql';
import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './style.css';
import { Bar } from './bar';
import { connect } from './connection';
import { EXAMPLES_PLUGIN, OpenFromAddress } from './panel';
import { remember, remembered } from './session';

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false }), EXAMPLES_PLUGIN];

/** Where there is room, a newcomer sees what can be asked. */
const FIRST_PLUGIN = matchMedia('(min-width: 900px)').matches ? { visiblePlugin: EXAMPLES_PLUGIN } : {};

const FIRST_QUERY = `# This is public. Sign in above,
# then choose an example at the left.
query Welcome {
  serverInfo {
    environment
    version
    now
  }
  leaderboard(limit: 3) {
    entries {
      rank
      miner {
        displayName
      }
      totalMinedPoints
    }
  }
}
`;

function App() {
  const [token, setToken] = useState(remembered);
  const connection = useMemo(() => connect(token), [token]);
  useEffect(() => () => connection.close(), [connection]);
  function become(next: string | null) {
    remember(next);
    setToken(next);
  }
  return (
    <>
      <Bar token={token} onToken={become} />
      <main>
        <GraphiQL
          fetcher={connection.fetcher}
          plugins={PLUGINS}
          {...FIRST_PLUGIN}
          defaultQuery={FIRST_QUERY}
          defaultEditorToolsVisibility="variables"
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          inputValueDeprecation
          schemaDescription
        >
          <OpenFromAddress />
          <GraphiQL.Logo>
            <></>
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
