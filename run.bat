@echo off
rem Sets up (once) and starts the service. Any options are those of run.sh.
rem ASCII only, since what cmd reads depends on the code page. Python and PowerShell say the rest.
setlocal
chcp 65001 >nul
pushd "%~dp0"
set "PYTHONUTF8=1"
set "PYTHON_MANAGER_AUTOMATIC_INSTALL=false"
set "FITS=import ensurepip, sys, venv; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) or sys.maxsize < 2**32)"
set "FOUND="
call :find
if defined FOUND goto start
powershell -NoProfile -ExecutionPolicy Bypass -File tools\get_python.ps1
if not "%ERRORLEVEL%"=="0" goto failed
call :find
if defined FOUND goto start
:failed
set "STATUS=1"
goto end
:start
%FOUND% tools\launch.py %*
set "STATUS=%ERRORLEVEL%"
:end
popd
if not "%STATUS%"=="0" if not defined CI pause
exit /b %STATUS%

rem FOUND: the first Python that fits. The stand-in of Microsoft's store fails the trial.
:find
for /d %%D in (.python\cpython-*) do call :try "%%D\python.exe"
for %%V in (3.13 3.12 3.11 3.10) do call :try py -%%V
for %%P in (python python3 python3.13 python3.12 python3.11 python3.10) do call :try %%P
exit /b

:try
if defined FOUND exit /b
%* -c "%FITS%" >nul 2>nul
if "%ERRORLEVEL%"=="0" set FOUND=%*
exit /b
