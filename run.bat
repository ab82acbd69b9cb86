@echo off
setlocal
chcp 65001 >nul
cd /d "%~dp0"
set "PYTHONUTF8=1"

py -3 -c "import sys; sys.exit(sys.version_info < (3, 10))" >nul 2>nul
if not errorlevel 1 (
    py -3 tools\launch.py %*
    goto end
)
python -c "import sys; sys.exit(sys.version_info < (3, 10))" >nul 2>nul
if not errorlevel 1 (
    python tools\launch.py %*
    goto end
)
echo [CosyVoice] Python 3.10 or newer was not found. Install it from https://www.python.org/downloads/ (tick "Add python.exe to PATH"), then start run.bat again.
echo [CosyVoice] 未找到 Python 3.10 或更高版本。请从 https://www.python.org/downloads/ 安装（勾选 "Add python.exe to PATH"），然后重新运行 run.bat。
set "FAILED=1"
goto wait

:end
set "FAILED=%ERRORLEVEL%"
:wait
if not "%FAILED%"=="0" if not defined CI pause
exit /b %FAILED%
