import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { createQueryClient } from './api/ApiProvider';
import { App } from './App';
import { GatewaySession } from './session/GatewaySession';
import { applyTheme, readTheme } from './ui/theme';
import './styles.css';

applyTheme(readTheme());
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root.');
createRoot(root).render(
  <StrictMode>
    <BrowserRouter>
      <App session={new GatewaySession()} queries={createQueryClient()} />
    </BrowserRouter>
  </StrictMode>,
);
